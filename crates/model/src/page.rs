//! Lists in pages.

use serde::{Deserialize, Serialize};

/// The most items one page may hold, so that one request cannot ask for a whole table.
const MAX_PER_PAGE: u32 = 500;
const DEFAULT_PER_PAGE: u32 = 50;

/// Which page of a list: pages count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The number of the page, from 1.
    pub page: u32,
    /// How many items a page holds, 1 to 500.
    pub per_page: u32,
}

impl Page {
    /// A page within the bounds: numbers outside are moved to the nearest that is allowed.
    #[must_use]
    pub fn new(page: u32, per_page: u32) -> Page {
        Page { page: page.max(1), per_page: per_page.clamp(1, MAX_PER_PAGE) }
    }

    /// How many items to take.
    #[must_use]
    pub fn limit(self) -> i64 {
        i64::from(self.per_page.clamp(1, MAX_PER_PAGE))
    }

    /// How many items come before this page.
    #[must_use]
    pub fn offset(self) -> i64 {
        i64::from(self.page.max(1) - 1) * self.limit()
    }
}

impl Default for Page {
    fn default() -> Page {
        Page { page: 1, per_page: DEFAULT_PER_PAGE }
    }
}

/// One page of a list and the size of the whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing<T> {
    /// The items of this page, in order.
    pub items: Vec<T>,
    /// How many items there are on all pages.
    pub total: u64,
    /// The number of this page, from 1.
    pub page: u32,
    /// How many items a page holds.
    pub per_page: u32,
}

impl<T> Listing<T> {
    /// The items of `page` out of `total`.
    #[must_use]
    pub fn new(items: Vec<T>, total: u64, page: Page) -> Listing<T> {
        Listing { items, total, page: page.page, per_page: page.per_page }
    }

    /// The same page with each item changed.
    #[must_use]
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Listing<U> {
        let items = self.items.into_iter().map(change).collect();
        Listing { items, total: self.total, page: self.page, per_page: self.per_page }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_kept_within_bounds() {
        assert_eq!(Page::new(0, 0), Page { page: 1, per_page: 1 });
        assert_eq!(Page::new(3, 9_999), Page { page: 3, per_page: 500 });
        assert_eq!((Page::new(3, 20).offset(), Page::new(3, 20).limit()), (40, 20));
        assert_eq!((Page { page: 0, per_page: 0 }.offset(), Page { page: 0, per_page: 0 }.limit()), (0, 1));
        assert_eq!(Page::new(u32::MAX, 500).offset(), i64::from(u32::MAX - 1) * 500);
    }

    #[test]
    fn a_listing_keeps_its_place_when_mapped() {
        let listing = Listing::new(vec![1, 2], 7, Page::new(2, 2)).map(|n| n * 10);
        let json = serde_json::to_string(&listing).unwrap();
        assert_eq!(json, r#"{"items":[10,20],"total":7,"page":2,"per_page":2}"#);
    }
}
