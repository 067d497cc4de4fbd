//! What a browser shows of the way to the directory and back, where nobody's script reads it.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use problem::Answer;

/// Whether somebody looks at the answer.
pub(super) fn is_asked_for(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// An answer, or the refusal as a page for whoever looks at it.
pub(super) fn answered(headers: &HeaderMap, answer: Answer<Response>) -> Response {
    let problem = match answer {
        Ok(response) => return response,
        Err(problem) => problem,
    };
    let document = problem.document();
    let mut response = problem.into_response();
    if is_asked_for(headers) {
        let text = format!(
            "<p>{}</p><p>[{}]</p><p><a href=\"/v1/session/openid\">Đăng nhập lại</a></p>",
            document.title, document.code
        );
        *response.body_mut() = Body::from(whole("", &text));
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, html);
    }
    response
}

/// A page that leads on by itself. A redirect would not do: it goes on with what another site's
/// page began, and the session's cookie doesn't go along with that (`SameSite=Strict`).
pub(super) fn leading_on(landing: &str) -> Html<String> {
    let head = format!("<meta http-equiv=\"refresh\" content=\"0; url={landing}\">");
    Html(whole(&head, &format!("<p>Đã đăng nhập. <a href=\"{landing}\">Tiếp tục</a></p>")))
}

fn whole(head: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"vi\"><head><meta charset=\"utf-8\"><title>Sohoa</title>{head}\
         </head><body>{body}</body></html>"
    )
}
