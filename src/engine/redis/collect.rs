//! Turns the keys of an RDB stream into the commands that create them.

use super::cluster;
use super::pipe::{About, Batch, Command};
use super::rdb::{Crc64, Header, RdbEntry, Visitor, Wants};
use super::resp;

/// A batch is sent when it has grown to this, and a value that is longer goes by itself.
const BATCH_BYTES: usize = 64 << 10;
/// The longest value: what a server takes in one piece (`proto-max-bulk-len`) by default.
pub(super) const VALUE_LIMIT: usize = 512 << 20;

/// What to do next, in order.
#[derive(Debug)]
pub(super) enum Order {
    /// Send these to this node.
    Send(usize, Batch),
    /// From here on keys go to this database.
    Select(u64),
    /// A library of functions, for every node.
    Library(Vec<u8>),
    /// A key that no server takes: what it is, and why.
    Impossible(String, String),
}

/// Whether a key that is there already gives way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    /// It stays, and is an error.
    Refuse,
    /// It gives way.
    Replace,
}

/// Collects commands into batches, one under way for each node.
pub(super) struct Collector {
    pub(super) orders: Vec<Order>,
    /// Which node a slot belongs to; empty when there is but one.
    routes: Vec<usize>,
    existing: Existing,
    version: u16,
    database: u64,
    batches: Vec<Batch>,
    name: Vec<u8>,
    /// The payload in the making; `None` while a value is too long.
    payload: Option<Vec<u8>>,
}

impl Collector {
    /// For so many nodes.
    pub(super) fn new(existing: Existing, nodes: usize, routes: Vec<usize>) -> Self {
        Self {
            orders: Vec::new(),
            routes,
            existing,
            version: 0,
            database: 0,
            batches: std::iter::repeat_with(Batch::default).take(nodes.max(1)).collect(),
            name: Vec::new(),
            payload: None,
        }
    }

    /// Everything that is under way becomes an order.
    pub(super) fn flush(&mut self) {
        for node in 0..self.batches.len() {
            self.flush_node(node);
        }
    }

    /// From now on keys of this slot go to this node, which may be one that was not there before.
    pub(super) fn route(&mut self, slot: u16, node: usize) {
        if self.batches.len() <= node {
            self.batches.resize_with(node + 1, Batch::default);
        }
        if let Some(route) = self.routes.get_mut(usize::from(slot)) {
            *route = node;
        }
    }

    fn flush_node(&mut self, node: usize) {
        if !self.batches[node].commands.is_empty() {
            let capacity = self.batches[node].head.len().min(BATCH_BYTES);
            let fresh = Batch { head: Vec::with_capacity(capacity), ..Batch::default() };
            let batch = std::mem::replace(&mut self.batches[node], fresh);
            self.orders.push(Order::Send(node, batch));
        }
    }

    fn node(&self) -> usize {
        self.routes.get(usize::from(cluster::slot(&self.name))).copied().unwrap_or(0)
    }

    /// `RESTORE key ttl payload …` goes into the batch of its node.
    fn restore(&mut self, entry: &RdbEntry, mut payload: Vec<u8>) {
        payload.extend_from_slice(&self.version.to_le_bytes());
        let mut crc = Crc64::default();
        crc.update(&payload);
        payload.extend_from_slice(&crc.value().to_le_bytes());

        let node = if self.routes.is_empty() { 0 } else { self.node() };
        let alone = payload.len() > BATCH_BYTES;
        if alone {
            self.flush_node(node);
        }
        let mut options: Vec<Vec<u8>> = Vec::new();
        options.extend((self.existing == Existing::Replace).then(|| b"REPLACE".to_vec()));
        options.extend(entry.expires.is_some().then(|| b"ABSTTL".to_vec()));
        if let Some(idle) = entry.idle {
            options.extend([b"IDLETIME".to_vec(), idle.to_string().into_bytes()]);
        } else if let Some(frequency) = entry.frequency {
            options.extend([b"FREQ".to_vec(), frequency.to_string().into_bytes()]);
        }
        let batch = &mut self.batches[node];
        let start = batch.head.len();
        resp::head(&mut batch.head, 4 + options.len());
        resp::word(&mut batch.head, b"RESTORE");
        resp::word(&mut batch.head, &self.name);
        let name_start = batch.head.len() - 2 - self.name.len();
        // A key that ran out long ago may stand before 1970 in a damaged clock; zero would mean for ever.
        let expires = entry.expires.map_or(0, |expires| expires.max(1));
        resp::word(&mut batch.head, expires.to_string().as_bytes());
        resp::word_head(&mut batch.head, payload.len());
        let about = About::Key { database: entry.database, start: name_start, length: self.name.len() };
        batch.commands.push(Command { start, about, tries: 0 });
        if alone {
            finish(&mut payload, &options);
            batch.body = payload;
        } else {
            batch.head.extend_from_slice(&payload);
            finish(&mut batch.head, &options);
        }
        if alone || batch.head.len() >= BATCH_BYTES {
            self.flush_node(node);
        }
    }
}

/// The end of the payload's line, and the words that follow.
fn finish(out: &mut Vec<u8>, options: &[Vec<u8>]) {
    out.extend_from_slice(b"\r\n");
    for option in options {
        resp::word(out, option);
    }
}

impl Visitor for Collector {
    fn wants(&self) -> Wants {
        Wants::Bytes
    }

    fn header(&mut self, header: Header) {
        self.version = header.version;
    }

    fn library(&mut self, code: Vec<u8>) {
        self.orders.push(Order::Library(code));
    }

    fn key(&mut self, entry: &RdbEntry, name: Vec<u8>) {
        if entry.database != self.database {
            self.database = entry.database;
            self.flush();
            self.orders.push(Order::Select(entry.database));
        }
        self.name = name;
        self.payload = Some(vec![entry.kind]);
    }

    fn value(&mut self, piece: &[u8]) {
        if let Some(payload) = &mut self.payload {
            if payload.len() + piece.len() > VALUE_LIMIT {
                self.payload = None;
            } else {
                payload.extend_from_slice(piece);
            }
        }
    }

    fn end(&mut self, entry: &RdbEntry, _module: Option<u64>) {
        if let Some(payload) = self.payload.take() {
            return self.restore(entry, payload);
        }
        let name = &self.name[..self.name.len().min(60)];
        let what = format!("key \"{}\" of db{}", name.escape_ascii(), entry.database);
        let most = VALUE_LIMIT >> 20;
        let why = format!("its value has more than {most} MiB, which no server takes in one piece");
        self.orders.push(Order::Impossible(what, why));
    }
}
