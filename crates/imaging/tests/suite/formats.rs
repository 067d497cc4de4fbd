//! Every format gives back the pixels that went in, and says how it is kept.

use std::io::Cursor;

use image::{DynamicImage, GrayImage, ImageFormat, LumaA, RgbaImage};
use imaging::{Format, Grey, Limits, Pixels, Scan, keep, orientation, quarter_turn, straighten};
use schemas::reading::PageImage;

use crate::drawing::{Paper, first_page, jpeg};

/// A directory of a TIFF: tags with their values, and the strip.
#[derive(Clone)]
pub(crate) struct Page {
    tags: Vec<(u16, u16, u32, u32)>,
    strip: Vec<u8>,
    extra: Vec<u8>,
}

/// A page of one bit a pixel in one strip.
pub(crate) fn page(
    width: u32,
    height: u32,
    compression: u32,
    photometric: u32,
    strip: &[u8],
) -> Page {
    let tags = vec![
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 1),
        (259, 3, 1, compression),
        (262, 3, 1, photometric),
        (277, 3, 1, 1),
        (278, 4, 1, height),
    ];
    Page { tags, strip: strip.to_vec(), extra: Vec::new() }
}

impl Page {
    fn with(mut self, tag: u16, value: u32) -> Page {
        self.tags.retain(|old| old.0 != tag);
        self.tags.push((tag, 3, 1, value));
        self
    }
}

/// A classic TIFF; the chain's end is the last four bytes.
pub(crate) fn tiff(pages: &[Page], little: bool) -> Vec<u8> {
    let two = |value: u16| if little { value.to_le_bytes() } else { value.to_be_bytes() };
    let four = |value: u32| if little { value.to_le_bytes() } else { value.to_be_bytes() };
    let mut bytes = if little { b"II".to_vec() } else { b"MM".to_vec() };
    bytes.extend(two(42));
    let mut link = bytes.len();
    bytes.extend(four(0));
    for page in pages {
        let strip_at = bytes.len() as u32;
        bytes.extend(&page.strip);
        let extra_at = bytes.len() as u32;
        bytes.extend(&page.extra);
        if bytes.len() % 2 == 1 {
            bytes.push(0);
        }
        let directory = bytes.len() as u32;
        bytes[link..link + 4].copy_from_slice(&four(directory));
        let mut tags = page.tags.clone();
        tags.push((273, 4, 1, strip_at));
        tags.push((279, 4, 1, page.strip.len() as u32));
        tags.iter_mut().filter(|tag| tag.0 == 320).for_each(|tag| tag.3 = extra_at);
        tags.sort_unstable();
        bytes.extend(two(tags.len() as u16));
        for (tag, kind, count, value) in tags {
            bytes.extend(two(tag));
            bytes.extend(two(kind));
            bytes.extend(four(count));
            if kind == 3 && count == 1 {
                bytes.extend(two(value as u16));
                bytes.extend([0, 0]);
            } else {
                bytes.extend(four(value));
            }
        }
        link = bytes.len();
        bytes.extend(four(0));
    }
    bytes
}

fn bilevel() -> Grey {
    let mut image = Paper::letter(75, 11).image;
    image.pixels.iter_mut().for_each(|tone| *tone = if *tone < 128 { 0 } else { 255 });
    image
}

fn grey_of(bytes: &[u8]) -> Grey {
    first_page(bytes).grey()
}

fn written(image: DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn dynamic(image: &Grey) -> DynamicImage {
    GrayImage::from_raw(image.width, image.height, image.pixels.clone()).unwrap().into()
}

/// Group 4 data of an image, as this crate keeps it, from a TIFF with plain bits.
fn group_4(image: &Grey) -> Vec<u8> {
    let packed = packed(image);
    let file = tiff(&[page(image.width, image.height, 1, 1, &packed)], true);
    let (kept, bytes) = keep(&first_page(&file)).unwrap();
    assert_eq!(kept, PageImage::Ccitt { width: image.width, height: image.height });
    bytes
}

fn packed(image: &Grey) -> Vec<u8> {
    image
        .pixels
        .chunks(image.width as usize)
        .flat_map(|line| {
            line.chunks(8).map(|bits| {
                bits.iter().enumerate().fold(0, |byte, (at, tone)| byte | (tone & 1) << (7 - at))
            })
        })
        .collect()
}

#[test]
fn a_jpeg_is_kept_as_the_bytes_that_came() {
    let scan = jpeg(&Paper::letter(100, 8).image, 70);
    let decoded = first_page(&scan);
    let (kept, bytes) = keep(&decoded).unwrap();
    assert_eq!(kept, PageImage::Jpeg { width: 827, height: 1169, components: 1 });
    assert!(bytes == scan);
}

#[test]
fn a_jpegs_exif_orientation_becomes_quarter_turns_and_its_bytes_stay() {
    let page = Paper::letter(100, 9).image;
    let plain = jpeg(&quarter_turn(page, 270), 80);
    // Orientation 6: turn a quarter clockwise to show it.
    let mut scan = plain[..2].to_vec();
    scan.extend(b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0");
    scan.extend(&plain[2..]);
    let decoded = first_page(&scan);
    assert_eq!(decoded.rotation_deg, 90);
    assert_eq!((decoded.pixels.width(), decoded.pixels.height()), (1169, 827));
    assert!(keep(&decoded).unwrap().1 == scan);
    let found = orientation(&decoded);
    assert_eq!(found.rotation_deg, 90);
    let upright = straighten(&decoded, found.rotation_deg);
    assert_eq!((upright.image().width, upright.image().height), (827, 1169));
}

#[test]
fn lossless_formats_give_back_every_pixel() {
    let page = Paper::letter(75, 10).grainy(10).image;
    for (format, expected) in [
        (ImageFormat::Png, Format::Png),
        (ImageFormat::Bmp, Format::Bmp),
        (ImageFormat::WebP, Format::WebP),
    ] {
        let image = dynamic(&page);
        let image = if format == ImageFormat::WebP { image.to_rgb8().into() } else { image };
        let bytes = written(image, format);
        assert_eq!(Format::of(&bytes), Some(expected));
        assert!(grey_of(&bytes) == page, "{expected:?} differs");
    }
    let deep = written(dynamic(&page).to_luma16().into(), ImageFormat::Png);
    assert!(grey_of(&deep) == page);
}

#[test]
fn what_is_transparent_is_paper() {
    let clear = RgbaImage::from_pixel(4, 4, image::Rgba([0, 0, 0, 0]));
    assert_eq!(grey_of(&written(clear.into(), ImageFormat::Png)).pixels, [255; 16]);
    let half = image::GrayAlphaImage::from_pixel(1, 1, LumaA([0, 128]));
    assert_eq!(grey_of(&written(half.into(), ImageFormat::Png)).pixels, [127]);
}

#[test]
fn a_page_without_colour_is_kept_grey_and_one_with_colour_in_colour() {
    let page = Paper::letter(75, 10).image;
    let grey = written(dynamic(&page).to_rgb8().into(), ImageFormat::Png);
    let (kept, _) = keep(&first_page(&grey)).unwrap();
    assert!(matches!(kept, PageImage::Jpeg { components: 1, .. }));
    let mut stamped = dynamic(&page).to_rgb8();
    (300..360).for_each(|x| stamped.put_pixel(x, 500, image::Rgb([200, 20, 30])));
    let (kept, bytes) = keep(&first_page(&written(stamped.into(), ImageFormat::Png))).unwrap();
    assert!(matches!(kept, PageImage::Jpeg { components: 3, .. }));
    assert!(matches!(first_page(&bytes).pixels, Pixels::Rgb(_)));
}

#[test]
fn one_bit_pages_are_kept_as_group_4_without_loss() {
    let image = bilevel();
    let data = group_4(&image);
    // White is the bit 0: photometric interpretation 0.
    let again = tiff(&[page(image.width, image.height, 4, 0, &data)], true);
    let decoded = first_page(&again);
    assert!(decoded.bilevel && decoded.grey() == image);
    assert!(keep(&decoded).unwrap().1 == data);
}

#[test]
fn fax_tiffs_are_read_in_either_byte_order_fill_order_and_polarity() {
    let image = bilevel();
    let data = group_4(&image);
    let (width, height) = (image.width, image.height);
    let big = tiff(&[page(width, height, 4, 0, &data)], false);
    assert!(grey_of(&big) == image);
    let mirrored: Vec<u8> = data.iter().map(|byte| byte.reverse_bits()).collect();
    let filled = tiff(&[page(width, height, 4, 0, &mirrored).with(266, 2)], true);
    assert!(grey_of(&filled) == image);
    let negative = tiff(&[page(width, height, 4, 1, &data)], true);
    assert!(grey_of(&negative).pixels.iter().zip(&image.pixels).all(|(a, b)| *a == !b));
    let white_is_zero: Vec<u8> = packed(&image).iter().map(|byte| !byte).collect();
    let plain = tiff(&[page(width, height, 1, 0, &white_is_zero)], true);
    assert!(grey_of(&plain) == image);
}

#[test]
fn a_tiff_of_many_pages_gives_each_and_a_broken_one_harms_none() {
    let image = bilevel();
    let data = group_4(&image);
    let good = page(image.width, image.height, 4, 0, &data).with(274, 6);
    let broken = page(image.width, image.height, 4, 0, &[0; 4]);
    let file = tiff(&[good.clone(), broken, good], true);
    let scan = Scan::open(&file, Limits::default(), None).unwrap();
    assert_eq!((scan.format(), scan.page_count()), (Format::Tiff, 3));
    assert!(scan.page(1).is_err());
    assert!(scan.page(3).is_err());
    let last = scan.page(2).unwrap();
    assert!(last.grey() == image);
    assert_eq!(last.rotation_deg, 90);
}

#[test]
fn tiffs_of_eight_bits_lzw_and_deflate_give_back_every_pixel() {
    use tiff::encoder::{Compression, DeflateLevel, TiffEncoder, colortype};
    let image = Paper::letter(75, 12).grainy(9).image;
    let compressions =
        [Compression::Uncompressed, Compression::Lzw, Compression::Deflate(DeflateLevel::Fast)];
    for (number, compression) in compressions.into_iter().enumerate() {
        let mut bytes = Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut bytes).unwrap().with_compression(compression);
        encoder.write_image::<colortype::Gray8>(image.width, image.height, &image.pixels).unwrap();
        assert!(grey_of(bytes.get_ref()) == image, "compression {number} differs");
        assert!(matches!(keep(&first_page(bytes.get_ref())).unwrap().0, PageImage::Jpeg { .. }));
    }
}

#[test]
fn a_tiff_with_a_palette_is_read_through_it() {
    // Two bits a pixel: white, black, red, grey.
    let mut palette = page(4, 1, 1, 3, &[0b00_01_10_11]).with(258, 2);
    palette.tags.push((320, 3, 12, 0));
    let map: [u16; 12] = [0xffff, 0, 0xffff, 0x8000, 0xffff, 0, 0, 0x8000, 0xffff, 0, 0, 0x8000];
    palette.extra = map.iter().flat_map(|tone| tone.to_le_bytes()).collect();
    let file = tiff(&[palette], true);
    let Pixels::Rgb(image) = first_page(&file).pixels else { panic!("red became grey") };
    assert_eq!(image.pixels, [255, 255, 255, 0, 0, 0, 255, 0, 0, 128, 128, 128]);
}
