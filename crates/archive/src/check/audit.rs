//! The audit: that every line follows on the one before, that heads stand where they were signed,
//! and that what lines tell of is still what it was.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use schemas::audit::{Act, AuditHead};
use schemas::ids::Blake3;
use serde_json::{Value, json};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::{BATCH, Findings};
use crate::error::{ArchiveError, Doing};
use crate::records::audit::{link, row as columns};
use crate::rows::Columns;

const DOING: &str = "checking the audit";

/// Breaks of the chain that are named; where there are more, one knows.
const MOST: usize = 100;

/// Places of act and dossier among the columns of a line.
const ACT: usize = 3;
const DOSSIER: usize = 11;

/// What programs from before the column left lines of that name a dossier: each has a record, by
/// which it is found.
const BEFORE: [Act; 5] = [Act::Published, Act::Expired, Act::LookedUp, Act::PageShown, Act::Relied];

const LINES: &str = "
    select place, line_id, at, act, principal_id, record_id, version, lookup_id, content, body,
        hash, dossier
    from audit_line where place > $1 order by place limit $2";

const CHAIN: &str = "select length, hash from chain where name = 'audit'";

const HEADS: &str = "select place, hash, body from audit_head order by place";

// Where a dossier without a record went, there is none.
const ERASED: &str = "
    select distinct record_id from audit_line where act = 'erased' and record_id is not null";

// The newest line that says so: a version whose row was lost is published again.
const VERSIONS: &str = "
    select a.place, a.record_id, a.version, a.content, r.hash
    from audit_line a
    left join record r on r.record_id = a.record_id and r.version = a.version
    where a.act = 'published' and a.place > $1
      and not exists (select 1 from audit_line later
        where later.record_id = a.record_id and later.version = a.version
          and later.act = 'published' and later.place > a.place)
    order by a.place limit $2";

const ENDED: &str = "
    select r.record_id, r.version from record r
    where r.state = 'published' and exists (select 1 from audit_line a
        where a.record_id = r.record_id and a.version = r.version
          and a.act in ('superseded', 'corrected', 'revoked')
          and not exists (select 1 from audit_line later
            where later.record_id = a.record_id and later.version = a.version
              and later.act = 'published' and later.place > a.place))";

const LOOKUPS: &str = "
    select a.place, a.record_id, a.lookup_id, a.content, l.body
    from audit_line a left join lookup l on l.lookup_id = a.lookup_id
    where a.lookup_id is not null and a.place > $1 order by a.place limit $2";

const UNAUDITED: &str = "
    select lookup_id from lookup l where place is null
      and not exists (select 1 from audit_line a
        where a.lookup_id = l.lookup_id and a.act = 'looked_up')";

// Words are only added, so each line has one.
const UNSAID: &str = "
    select distinct a.lookup_id from audit_line a
    where a.act in ('lookup_shown', 'lookup_used', 'lookup_declined')
      and exists (select 1 from lookup l where l.lookup_id = a.lookup_id)
      and not exists (select 1 from lookup_word w
        where w.lookup_id = a.lookup_id and 'lookup_' || w.word = a.act)";

const ASKED_AGAIN: &str = "select body from audit_line where act = 'asked_again'";

const REASONS: &str = "
    select d.code, a.component from dossier d
    left join ask_again a on a.dossier_id = d.dossier_id
    where d.code in (select dossier from audit_line where act = 'asked_again')";

const COMPARED: &str = "
    select distinct record_id, act from audit_line where act in ('found_same', 'found_other')";

// What was found of an owner is forgotten with them.
const FOUND: &str = "
    select n.record_id, s.same from near_match n
    left join same_person s on s.asked = n.asked and s.number = n.number
    where exists (select 1 from record_owner o
        where o.number = n.number and o.record_id = n.record_id)";

const PENDING: &str = "select body from audit_pending";

/// Looks at the whole audit. `anchors` are heads that were kept elsewhere.
pub(super) async fn check(
    view: &mut AnyConnection,
    anchors: &[AuditHead],
    found: &mut Findings,
) -> Result<(), ArchiveError> {
    let mut promised = promised(view, found).await?;
    for head in anchors {
        promised.entry(head.place).or_default().push(("audit.anchor_differs", head.hash));
    }
    let (mut place, mut before) = (0_u64, Blake3([0; 32]));
    let mut breaks = Vec::new();
    loop {
        let query = sqlx::query(LINES).bind(crate::rows::number(place)).bind(BATCH);
        let rows = query.fetch_all(&mut *view).await.doing(DOING)?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let (next, hash): (u64, Blake3) = (row.int("place")?, row.parsed("hash")?);
            let body: &str = row.take("body")?;
            if next != place + 1 {
                breaks.push(("audit.removed", place + 1));
            } else if link(before, body) != hash {
                breaks.push(("audit.altered", next));
            } else if !says_the_same(row, next, hash)? {
                breaks.push(("audit.columns", next));
            }
            for (code, said) in promised.remove(&next).unwrap_or_default() {
                if said != hash {
                    breaks.push((code, next));
                }
            }
            (place, before) = (next, hash);
        }
    }
    found.lines = place;
    let end = sqlx::query(CHAIN).fetch_optional(&mut *view).await.doing(DOING)?;
    let end = end.map(|end| Ok((end.int("length")?, end.parsed("hash")?))).transpose()?;
    match end {
        Some((length, _)) if place < length => breaks.push(("audit.removed", place + 1)),
        Some(end) if end == (place, before) => {}
        Some(_) | None => breaks.push(("audit.altered", place)),
    }
    // Heads of lines that aren't there.
    breaks.extend(promised.into_iter().map(|(place, heads)| (heads[0].0, place)));
    for (code, place) in breaks.into_iter().take(MOST) {
        found.add(code, place, false);
    }
    check_versions(view, found).await
}

/// What heads say of places in the chain.
async fn promised(
    view: &mut AnyConnection,
    found: &mut Findings,
) -> Result<BTreeMap<u64, Vec<(&'static str, Blake3)>>, ArchiveError> {
    let mut promised: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in sqlx::query(HEADS).fetch_all(&mut *view).await.doing(DOING)? {
        let (place, hash): (u64, Blake3) = (row.int("place")?, row.parsed("hash")?);
        let body: Option<AuditHead> = row.json("body").ok();
        // What counts is what was signed.
        match body {
            Some(head) if (head.place, head.hash) == (place, hash) => {
                promised.entry(place).or_default().push(("audit.head_differs", hash));
            }
            Some(_) | None => found.add("audit.head_differs", place, false),
        }
        found.heads += 1;
    }
    Ok(promised)
}

/// Whether the columns of a line say what its body does.
fn says_the_same(row: &AnyRow, place: u64, hash: Blake3) -> Result<bool, ArchiveError> {
    let text = |column| row.take::<Option<String>>(column);
    let (id, body): (&str, &str) = (row.take("line_id")?, row.take("body")?);
    let mut found = json!([
        place,
        id,
        row.int::<i64>("at")?,
        text("act")?,
        text("principal_id")?,
        text("record_id")?,
        row.int_or::<u64>("version")?,
        text("lookup_id")?,
        text("content")?,
        body,
        hash,
        text("dossier")?,
    ]);
    let expected = columns(place, id, body, hash);
    let is_before = |act: &Act| found[ACT] == act.as_str();
    if found[DOSSIER].is_null() && BEFORE.iter().any(is_before) {
        // An older program bound it.
        found[DOSSIER] = expected[DOSSIER].clone();
    }
    let said: Value = serde_json::from_str(body).unwrap_or_default();
    Ok(found == expected && said["id"] == json!(id))
}

/// Whether records and lookups are those that the lines tell of.
async fn check_versions(
    view: &mut AnyConnection,
    found: &mut Findings,
) -> Result<(), ArchiveError> {
    let erased = sqlx::query(ERASED).fetch_all(&mut *view).await.doing(DOING)?;
    let mut erased: HashSet<String> = texts(&erased, "record_id")?.into_iter().collect();
    // Where no server runs, a line waits until one does.
    let pending = sqlx::query(PENDING).fetch_all(&mut *view).await.doing(DOING)?;
    let pending: Vec<Value> = pending.iter().filter_map(|row| row.json("body").ok()).collect();
    let waits = |act: &'static str, of: &'static str| {
        let lines = pending.iter().filter(move |line| line["act"] == act);
        lines.filter_map(move |line| line[of].as_str().map(str::to_owned))
    };
    erased.extend(waits("erased", "record"));
    let mut codes = Vec::new();
    each(view, VERSIONS, |row| {
        let (id, version): (&str, i64) = (row.take("record_id")?, row.int("version")?);
        let said: Option<&str> = row.take("content")?;
        match row.take::<Option<&str>>("hash")? {
            None if erased.contains(id) => {}
            None => codes.push(("record.removed", format!("{id}/{version}"))),
            hash if hash == said => {}
            Some(_) => codes.push(("record.altered", format!("{id}/{version}"))),
        }
        Ok(())
    })
    .await?;
    each(view, LOOKUPS, |row| {
        let (id, record): (&str, &str) = (row.take("lookup_id")?, row.take("record_id")?);
        let body: Option<&str> = row.take("body")?;
        let hash = body.map(|body| blake3::hash(body.as_bytes()).to_hex().to_string());
        match hash {
            None if erased.contains(record) => {}
            None => codes.push(("lookup.removed", id.to_owned())),
            hash if hash == row.take::<Option<String>>("content")? => {}
            Some(_) => codes.push(("lookup.altered", id.to_owned())),
        }
        Ok(())
    })
    .await?;
    for row in sqlx::query(ENDED).fetch_all(&mut *view).await.doing(DOING)? {
        let (id, version): (&str, i64) = (row.take("record_id")?, row.int("version")?);
        codes.push(("record.revived", format!("{id}/{version}")));
    }
    let pending: HashSet<_> = waits("looked_up", "lookup").collect();
    let unaudited = sqlx::query(UNAUDITED).fetch_all(&mut *view).await.doing(DOING)?;
    for id in texts(&unaudited, "lookup_id")? {
        if !pending.contains(&id) {
            codes.push(("lookup.unaudited", id));
        }
    }
    for (code, what) in codes {
        found.add(code, what, false);
    }
    check_words(view, found).await
}

/// Whether what people said stands where their lines say that they said it.
async fn check_words(view: &mut AnyConnection, found: &mut Findings) -> Result<(), ArchiveError> {
    for row in sqlx::query(UNSAID).fetch_all(&mut *view).await.doing(DOING)? {
        found.add("lookup.word_removed", row.take::<&str>("lookup_id")?, false);
    }
    // By dossiers that are still there.
    let mut reasons: HashMap<String, HashSet<String>> = HashMap::new();
    for row in sqlx::query(REASONS).fetch_all(&mut *view).await.doing(DOING)? {
        let component: Option<String> = row.take("component")?;
        reasons.entry(row.take("code")?).or_default().extend(component);
    }
    let mut lost = BTreeSet::new();
    for row in sqlx::query(ASKED_AGAIN).fetch_all(&mut *view).await.doing(DOING)? {
        let line: Value = row.json("body").unwrap_or_default();
        let said = line["dossier"].as_str().zip(line["component"].as_str());
        let Some((dossier, component)) = said else { continue };
        if reasons.get(dossier).is_some_and(|kept| !kept.contains(component)) {
            lost.insert(format!("{dossier}/{component}"));
        }
    }
    for what in lost {
        found.add("again.removed", what, false);
    }
    let mut compared: HashMap<String, HashSet<Option<i64>>> = HashMap::new();
    for row in sqlx::query(FOUND).fetch_all(&mut *view).await.doing(DOING)? {
        compared.entry(row.take("record_id")?).or_default().insert(row.int_or("same")?);
    }
    for row in sqlx::query(COMPARED).fetch_all(&mut *view).await.doing(DOING)? {
        let (record, act): (&str, &str) = (row.take("record_id")?, row.take("act")?);
        let same = Some(i64::from(act == "found_same"));
        if compared.get(record).is_some_and(|found| !found.contains(&same)) {
            found.add("near.altered", record, false);
        }
    }
    Ok(())
}

/// Every row of a statement that goes by place, some hundreds at a time.
async fn each(
    view: &mut AnyConnection,
    sql: &'static str,
    mut see: impl FnMut(&AnyRow) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    let mut place = 0_i64;
    loop {
        let query = sqlx::query(sql).bind(place).bind(BATCH);
        let rows = query.fetch_all(&mut *view).await.doing(DOING)?;
        let Some(last) = rows.last() else { return Ok(()) };
        rows.iter().try_for_each(&mut see)?;
        place = last.int("place")?;
    }
}

fn texts(rows: &[AnyRow], column: &'static str) -> Result<Vec<String>, ArchiveError> {
    rows.iter().map(|row| row.take(column)).collect()
}

/// What each finding means.
pub(super) fn text_vi(code: &str) -> Option<&'static str> {
    Some(match code {
        "audit.removed" => "Nhật ký thiếu dòng: có dòng đã bị xoá khỏi chuỗi.",
        "audit.altered" => {
            "Chuỗi nhật ký bị đứt tại dòng này: dòng bị sửa, bị chèn hoặc bị đổi chỗ."
        }
        "audit.columns" => "Cột của dòng nhật ký không khớp với nội dung của nó.",
        "audit.head_differs" => "Nhật ký khác với đầu chuỗi đã ký: chuỗi đã bị viết lại.",
        "audit.anchor_differs" => {
            "Nhật ký khác với đầu chuỗi đã gửi ra ngoài: chuỗi đã bị viết lại hoặc bị cắt đuôi."
        }
        "audit.head_forged" => {
            "Chữ ký trên đầu chuỗi nhật ký không đúng hoặc không phải của nơi được tin."
        }
        "audit.head_untrusted" => {
            "Không biết người đã ký đầu chuỗi nhật ký; hãy chỉ ra chứng thư được tin bằng --trust."
        }
        "record.altered" => "Giấy tờ số hoá không phải là bản đã ghi trong nhật ký.",
        "record.removed" => "Giấy tờ số hoá có trong nhật ký nhưng đã biến mất.",
        "record.revived" => "Giấy tờ số hoá đã thu hồi hoặc thay thế lại được dùng.",
        "lookup.altered" => "Lượt tra cứu không phải là lượt đã ghi trong nhật ký.",
        "lookup.removed" => "Lượt tra cứu có trong nhật ký nhưng đã biến mất.",
        "lookup.word_removed" => {
            "Nhật ký ghi người dân đã được cho xem, đồng ý hoặc từ chối dùng, nhưng điều đó đã biến \
             mất khỏi lượt tra cứu."
        }
        "again.removed" => "Lý do thu lại giấy có trong nhật ký nhưng đã biến mất khỏi hồ sơ.",
        "near.altered" => "Kết quả đối chiếu người không phải là kết quả đã ghi trong nhật ký.",
        "lookup.unaudited" => "Lượt tra cứu không có dòng nào trong nhật ký.",
        _ => return None,
    })
}
