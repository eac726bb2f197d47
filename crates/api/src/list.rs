//! Lists: `{"items": […], "total", "page", "per_page"}`.

use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::{FieldError, Problem};

/// Items of a page when the caller does not say.
const DEFAULT_PER_PAGE: u32 = 50;
/// Items of a page at most, so that one request cannot hold the database or the memory.
pub(crate) const MAX_PER_PAGE: u32 = 500;
/// Pages beyond this are refused: `page * per_page` stays far inside 32 bits.
const MAX_PAGE: u32 = 1_000_000;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    /// The items of this page.
    pub(crate) items: Vec<T>,
    /// Items of all pages.
    #[schema(example = 1)]
    pub(crate) total: u64,
    /// This page, from 1.
    #[schema(example = 1)]
    pub(crate) page: u32,
    /// Items of a page.
    #[schema(example = 50)]
    pub(crate) per_page: u32,
}

impl<T> List<T> {
    /// The page of a list that is whole in memory.
    pub(crate) fn cut(all: Vec<T>, page: model::Page) -> List<T> {
        let total = all.len() as u64;
        let (per_page, before) = (page.per_page as usize, page.page.saturating_sub(1) as usize);
        let items = all.into_iter().skip(per_page.saturating_mul(before)).take(per_page).collect();
        List { items, total, page: page.page, per_page: page.per_page }
    }

    /// The page that storage found, each row in its wire form.
    pub(crate) fn of<R>(listing: model::Listing<R>, wire: impl FnMut(R) -> T) -> List<T> {
        let model::Listing { items, total, page, per_page } = listing;
        List { items: items.into_iter().map(wire).collect(), total, page, per_page }
    }
}

/// The page that `?page=&per_page=` asks for.
pub(crate) fn page(page: Option<u32>, per_page: Option<u32>) -> Result<model::Page, Problem> {
    let (page, per_page) = (page.unwrap_or(1), per_page.unwrap_or(DEFAULT_PER_PAGE));
    let mut errors = Vec::new();
    if !(1..=MAX_PAGE).contains(&page) {
        errors.push(FieldError::new("page", "invalid", format!("must be 1 to {MAX_PAGE}")));
    }
    if !(1..=MAX_PER_PAGE).contains(&per_page) {
        errors.push(FieldError::new("per_page", "invalid", format!("must be 1 to {MAX_PER_PAGE}")));
    }
    if errors.is_empty() { Ok(model::Page { page, per_page }) } else { Err(Problem::fields(errors)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_bounds() {
        assert_eq!(page(None, None).map(|p| (p.page, p.per_page)).unwrap(), (1, 50));
        assert!(page(Some(2), Some(MAX_PER_PAGE)).is_ok());
        for (asked, field) in [
            ((Some(0), None), "page"),
            ((None, Some(0)), "per_page"),
            ((None, Some(MAX_PER_PAGE + 1)), "per_page"),
            ((Some(MAX_PAGE + 1), None), "page"),
        ] {
            let body = serde_json::to_value(page(asked.0, asked.1).unwrap_err().into_body()).unwrap();
            assert_eq!((&body["field"], &body["status"]), (&field.into(), &422.into()));
        }
    }

    #[test]
    fn a_whole_list_is_cut() {
        let list = List::cut((1..=7).collect(), page(Some(2), Some(3)).unwrap());
        assert_eq!((list.items, list.total, list.page, list.per_page), (vec![4, 5, 6], 7, 2, 3));
        let list = List::cut((1..=7).collect(), page(Some(4), Some(3)).unwrap());
        assert_eq!((list.items, list.total), (Vec::<i32>::new(), 7));
    }
}
