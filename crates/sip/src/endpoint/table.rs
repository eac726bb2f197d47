//! What an endpoint holds: things with an id, found by a key they hold themselves.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use serde::{Deserialize, Serialize};

/// Below this many places a table does not bother to give memory back.
const SMALL: usize = 64;

/// Something a [`Table`] finds by its key.
pub(crate) trait Keyed {
    /// The bytes it is found by.
    fn key(&self) -> &[u8];

    /// A hash of what it shares with others like it, to find whether there is one; 0 for none.
    fn alias(&self) -> u64 {
        0
    }
}

/// A place: the serial number tells the present holder from earlier ones.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Place<T> {
    serial: u32,
    item: T,
}

/// Items by id (O(1), no hashing) and by key. Ids are never used again within 2³² insertions. Nothing here is ever
/// iterated in the order of the hash.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Written<T>", bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de> + Keyed"))]
pub(crate) struct Table<T> {
    places: Vec<Option<Place<T>>>,
    /// Vacant places, some of them perhaps cut off since or taken again.
    free: Vec<u32>,
    next_serial: u32,
    live: usize,
    seed: u64,
    #[serde(skip)]
    index: HashTable<u32>,
    #[serde(skip)]
    aliases: HashTable<u32>,
}

/// A table as it is written down: without its index.
#[derive(Deserialize)]
struct Written<T> {
    places: Vec<Option<Place<T>>>,
    free: Vec<u32>,
    next_serial: u32,
    live: usize,
    seed: u64,
}

impl<T: Keyed> From<Written<T>> for Table<T> {
    fn from(written: Written<T>) -> Table<T> {
        let Written { places, free, next_serial, live, seed } = written;
        let (index, aliases) = (HashTable::with_capacity(live), HashTable::new());
        let mut table = Table { places, free, next_serial, live, seed, index, aliases };
        for place in (0u32..).take(table.places.len()) {
            table.link(place);
        }
        table
    }
}

fn hash_of(seed: u64, key: &[u8]) -> u64 {
    FixedState::with_seed(seed).hash_one(key)
}

fn id_of(serial: u32, place: u32) -> u64 {
    u64::from(serial) << 32 | u64::from(place)
}

fn place_of(id: u64) -> (u32, usize) {
    let place = u32::try_from(id & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    (u32::try_from(id >> 32).unwrap_or(u32::MAX), place as usize)
}

impl<T: Keyed> Table<T> {
    /// An empty table whose hashes depend on `seed`.
    pub(crate) fn new(seed: u64) -> Table<T> {
        let (index, aliases) = (HashTable::new(), HashTable::new());
        Table { places: Vec::new(), free: Vec::new(), next_serial: 1, live: 0, seed, index, aliases }
    }

    /// How many items there are.
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// Takes an item in and gives it an id. Two items may have the same key; then one of them is found.
    pub(crate) fn insert(&mut self, item: T) -> u64 {
        let serial = self.next_serial;
        self.next_serial = self.next_serial.wrapping_add(1);
        let place = self.vacancy();
        if let Some(vacant) = self.places.get_mut(place as usize) {
            *vacant = Some(Place { serial, item });
        }
        self.live += 1;
        self.link(place);
        id_of(serial, place)
    }

    /// The item of this id.
    pub(crate) fn at(&self, id: u64) -> Option<&T> {
        let (serial, place) = place_of(id);
        self.places.get(place)?.as_ref().filter(|place| place.serial == serial).map(|place| &place.item)
    }

    /// The item of this id, to change everything but its key.
    pub(crate) fn at_mut(&mut self, id: u64) -> Option<&mut T> {
        let (serial, place) = place_of(id);
        self.places
            .get_mut(place)?
            .as_mut()
            .filter(|place| place.serial == serial)
            .map(|place| &mut place.item)
    }

    /// The id of the item with this key.
    pub(crate) fn find(&self, key: &[u8]) -> Option<u64> {
        let holds = |place: &u32| self.item(*place).is_some_and(|place| place.item.key() == key);
        let place = *self.index.find(hash_of(self.seed, key), holds)?;
        self.item(place).map(|found| id_of(found.serial, place))
    }

    /// Whether an item has this alias.
    pub(crate) fn has_alias(&self, alias: u64) -> bool {
        let has = |place: &u32| self.item(*place).is_some_and(|place| place.item.alias() == alias);
        alias != 0 && self.aliases.find(alias, has).is_some()
    }

    /// Takes the item of this id out.
    pub(crate) fn remove(&mut self, id: u64) -> Option<T> {
        let item = self.at(id)?;
        let (hash, alias) = (hash_of(self.seed, item.key()), item.alias());
        let (_, place) = place_of(id);
        if let Ok(entry) = self.index.find_entry(hash, |held| *held as usize == place) {
            entry.remove();
        }
        if let Ok(entry) = self.aliases.find_entry(alias, |held| alias != 0 && *held as usize == place) {
            entry.remove();
        }
        let removed = self.places.get_mut(place)?.take()?;
        self.live -= 1;
        self.free.push(u32::try_from(place).unwrap_or(u32::MAX));
        self.shrink();
        Some(removed.item)
    }

    /// The ids of all items, in the order of their places.
    pub(crate) fn ids(&self) -> impl Iterator<Item = u64> {
        (0u32..)
            .zip(&self.places)
            .filter_map(|(place, held)| held.as_ref().map(|held| id_of(held.serial, place)))
    }

    fn item(&self, place: u32) -> Option<&Place<T>> {
        self.places.get(place as usize)?.as_ref()
    }

    /// Puts the item at this place, if there is one, into both indexes.
    fn link(&mut self, place: u32) {
        let Table { places, index, aliases, seed, .. } = self;
        let hash = key_hash(places, *seed, place);
        if places.get(place as usize).is_some_and(Option::is_some) {
            index.insert_unique(hash, place, |held| key_hash(places, *seed, *held));
        }
        let alias = alias_of(places, place);
        if alias != 0 {
            aliases.insert_unique(alias, place, |held| alias_of(places, *held));
        }
    }

    /// A place to put an item into.
    fn vacancy(&mut self) -> u32 {
        while let Some(place) = self.free.pop() {
            if self.places.get(place as usize).is_some_and(Option::is_none) {
                return place;
            }
        }
        self.places.push(None);
        u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
    }

    /// Gives memory back when three quarters of it are unused.
    fn shrink(&mut self) {
        while self.places.last().is_some_and(Option::is_none) {
            self.places.pop();
        }
        if self.places.len() < self.places.capacity() / 4 && self.places.capacity() > SMALL {
            self.places.shrink_to(self.places.len() * 2);
            let len = self.places.len();
            self.free.retain(|place| (*place as usize) < len);
            self.free.shrink_to_fit();
        }
        if self.live < self.index.capacity() / 8 && self.index.capacity() > SMALL {
            let Table { places, index, aliases, seed, live, .. } = self;
            index.shrink_to(*live * 2, |held| key_hash(places, *seed, *held));
            aliases.shrink_to(aliases.len() * 2, |held| alias_of(places, *held));
        }
    }
}

fn key_hash<T: Keyed>(places: &[Option<Place<T>>], seed: u64, place: u32) -> u64 {
    let held = places.get(place as usize).and_then(Option::as_ref);
    held.map_or(0, |held| hash_of(seed, held.item.key()))
}

fn alias_of<T: Keyed>(places: &[Option<Place<T>>], place: u32) -> u64 {
    places.get(place as usize).and_then(Option::as_ref).map_or(0, |held| held.item.alias())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Named(String);

    impl Keyed for Named {
        fn key(&self) -> &[u8] {
            self.0.as_bytes()
        }
    }

    fn named(number: u32) -> Named {
        Named(format!("item {number}"))
    }

    #[test]
    fn an_id_is_dead_once_its_item_left() {
        let mut table = Table::new(7);
        let first = table.insert(named(1));
        assert_eq!(table.remove(first), Some(named(1)));
        let second = table.insert(named(2));
        assert_ne!(first, second);
        assert_eq!((table.at(first), table.at(second)), (None, Some(&named(2))));
        assert_eq!((table.find(b"item 1"), table.find(b"item 2")), (None, Some(second)));
        assert_eq!(table.remove(first), None);
        assert_eq!(table.len(), 1);
    }

    #[test]
    fn memory_comes_back_after_a_rush() {
        let mut table = Table::new(7);
        let ids: Vec<u64> = (0..10_000).map(|n| table.insert(named(n))).collect();
        for id in &ids {
            table.remove(*id);
        }
        assert!(
            table.places.capacity() <= SMALL
                && table.index.capacity() <= SMALL * 2
                && table.free.capacity() == 0
        );
        let again: Vec<u64> = (0..100).map(|n| table.insert(named(n))).collect();
        assert!(again.iter().all(|id| !ids.contains(id) && table.at(*id).is_some()));
    }

    #[test]
    fn a_table_written_down_goes_on_as_it_would_have() {
        let mut table = Table::new(7);
        let ids: Vec<u64> = (0..50).map(|n| table.insert(named(n))).collect();
        for id in ids.iter().step_by(3) {
            table.remove(*id);
        }
        let written = postcard::to_stdvec(&table).unwrap();
        let mut read: Table<Named> = postcard::from_bytes(&written).unwrap();
        assert!((0..50).all(|n| read.find(named(n).key()) == table.find(named(n).key())));
        assert_eq!(read.ids().collect::<Vec<_>>(), table.ids().collect::<Vec<_>>());
        for n in 50..90 {
            assert_eq!(read.insert(named(n)), table.insert(named(n)));
        }
    }
}
