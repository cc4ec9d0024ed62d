//! Loads an RDB stream into a live server, key by key.

use super::cluster::{self, Redirect, Shard};
use super::collect::{Collector, Existing, Order};
use super::connection::{Address, Connection};
use super::pipe::{About, Batch, Command, OnError, Peer, Pipe, Shared};
use super::rdb::{RdbError, Walker};
use super::resp;
use crate::engine::{EngineError, Push, StreamError};
use crate::model::{ByteReader, Count, help};
use crate::process::FeedError;
use async_trait::async_trait;
use tokio::io::AsyncReadExt as _;

const PIECE_BYTES: usize = 256 << 10;

/// Loads one stream into one server, or into a cluster.
#[derive(Debug)]
pub(super) struct Load {
    /// The server that was asked about, or any node of the cluster.
    pub(super) address: Address,
    /// The primaries of the cluster; `None` for a single server.
    pub(super) shards: Option<Vec<Shard>>,
    pub(super) existing: Existing,
    pub(super) on_error: OnError,
}

#[async_trait]
impl Push for Load {
    fn describe(&self) -> Vec<String> {
        let existing = match self.existing {
            Existing::Refuse => "ABSTTL",
            Existing::Replace => "REPLACE ABSTTL",
        };
        vec!["RESTORE".to_owned(), existing.to_owned(), self.address.shown()]
    }

    async fn take(&self, mut body: ByteReader<'_>) -> Result<Vec<String>, StreamError> {
        let (mut loader, routes) = Loader::open(self).await?;
        let mut collector = Collector::new(self.existing, loader.nodes.len(), routes);
        let mut walker = Walker::new();
        let mut buffer = vec![0; PIECE_BYTES];
        let stop = loader.shared.stop.clone();
        loop {
            let read = tokio::select! {
                read = body.read(&mut buffer) => read,
                () = stop.cancelled() => return Err(loader.failure().into()),
            };
            let count = read
                .map_err(|source| FeedError::Body { label: self.address.shown(), source })
                .map_err(StreamError::Feed)?;
            if count == 0 {
                break;
            }
            walker.feed(&buffer[..count], &mut collector).map_err(|error| unreadable(&error))?;
            loader.carry_out(&mut collector).await?;
        }
        walker.finish().map_err(|error| unreadable(&error))?;
        collector.flush();
        loader.carry_out(&mut collector).await?;
        Ok(loader.finish(&mut collector).await?)
    }
}

fn unreadable(error: &RdbError) -> EngineError {
    EngineError::Archive { problem: error.to_string() }
}

struct Node {
    address: Address,
    pipe: Option<Pipe>,
}

struct Loader {
    nodes: Vec<Node>,
    shared: Shared,
    database: u64,
    existing: Existing,
    own: Address,
}

impl Loader {
    async fn open(load: &Load) -> Result<(Self, Vec<usize>), EngineError> {
        let mut routes = Vec::new();
        let mut nodes = Vec::new();
        match &load.shards {
            None => nodes.push(Node { address: load.address.clone(), pipe: None }),
            Some(shards) => {
                routes = vec![0; usize::from(cluster::SLOTS)];
                for (index, shard) in shards.iter().enumerate() {
                    for (from, to) in &shard.slots {
                        routes[usize::from(*from)..=usize::from(*to)].fill(index);
                    }
                    nodes.push(Node { address: shard.address.clone(), pipe: None });
                }
            }
        }
        let shared = Shared::new(load.on_error);
        let mut loader =
            Self { nodes, shared, database: 0, existing: load.existing, own: load.address.clone() };
        for node in 0..loader.nodes.len() {
            loader.pipe(node).await?;
        }
        Ok((loader, routes))
    }

    /// The connection to a node, opened when it is first needed.
    async fn pipe(&mut self, node: usize) -> Result<&mut Pipe, EngineError> {
        let Node { address, pipe } = &mut self.nodes[node];
        let pipe = if let Some(open) = pipe.take() {
            open
        } else {
            let mut connection = address.connect().await?;
            if self.database != 0 {
                select(&mut connection, self.database).await?;
            }
            Pipe::new(connection, &self.shared)
        };
        Ok(self.nodes[node].pipe.insert(pipe))
    }

    async fn carry_out(&mut self, collector: &mut Collector) -> Result<(), EngineError> {
        for order in std::mem::take(&mut collector.orders) {
            match order {
                Order::Send(node, batch) => self.pipe(node).await?.send(batch).await,
                Order::Select(database) => self.select(database, collector).await?,
                Order::Library(code) => self.library(&code).await?,
                Order::Impossible(what, why) => {
                    let peer = Peer { address: self.own.shown(), user: self.own.settings.user.clone() };
                    self.shared.failed(&what, &why, &peer);
                }
            }
            self.check()?;
        }
        self.follow(collector).await
    }

    /// Nothing of the old database is on its way any more when the first key of the new one is sent: a database that
    /// the server does not have would put its keys into the old one.
    async fn select(&mut self, database: u64, collector: &mut Collector) -> Result<(), EngineError> {
        self.settle(collector).await?;
        self.database = database;
        for node in 0..self.nodes.len() {
            // The pipe has taken over its connection, so SELECT needs a new one.
            self.nodes[node].pipe = None;
            self.pipe(node).await?;
        }
        Ok(())
    }

    async fn library(&mut self, code: &[u8]) -> Result<(), EngineError> {
        for node in 0..self.nodes.len() {
            let mut batch = Batch::default();
            batch.commands.push(Command { start: 0, about: About::Library, tries: 0 });
            let words: &[&[u8]] = match self.existing {
                Existing::Replace => &[b"FUNCTION", b"LOAD", b"REPLACE", code],
                Existing::Refuse => &[b"FUNCTION", b"LOAD", code],
            };
            resp::command(&mut batch.head, words);
            self.pipe(node).await?.send(batch).await;
        }
        Ok(())
    }

    /// Sends redirected batches to the nodes that they belong to.
    async fn follow(&mut self, collector: &mut Collector) -> Result<(), EngineError> {
        self.check()?;
        let redirected = std::mem::take(&mut self.shared.outcome().redirected);
        for (redirect, mut batch) in redirected {
            let node = self.node_at(&redirect);
            if redirect.once {
                batch = asking(batch);
            } else {
                collector.route(redirect.slot, node);
            }
            self.pipe(node).await?.send(batch).await;
        }
        Ok(())
    }

    fn node_at(&mut self, redirect: &Redirect) -> usize {
        let host = if redirect.host.is_empty() {
            self.own.settings.host.clone().unwrap_or_else(|| "127.0.0.1".to_owned())
        } else {
            redirect.host.clone()
        };
        let is_it = |node: &Node| {
            let settings = &node.address.settings;
            settings.host.as_deref() == Some(&host) && settings.port == redirect.port
        };
        self.nodes.iter().position(is_it).unwrap_or_else(|| {
            self.nodes.push(Node { address: self.own.node(&host, redirect.port), pipe: None });
            self.nodes.len() - 1
        })
    }

    /// Waits until every command is answered, also those that were redirected.
    async fn settle(&mut self, collector: &mut Collector) -> Result<(), EngineError> {
        loop {
            for node in &mut self.nodes {
                if let Some(pipe) = &mut node.pipe {
                    pipe.settle().await;
                }
            }
            self.check()?;
            if self.shared.outcome().redirected.is_empty() {
                return Ok(());
            }
            self.follow(collector).await?;
        }
    }

    async fn finish(mut self, collector: &mut Collector) -> Result<Vec<String>, EngineError> {
        self.settle(collector).await?;
        let mut outcome = self.shared.outcome();
        let mut errors = std::mem::take(&mut outcome.errors);
        if outcome.failed > errors.len() as u64 {
            let all = outcome.failed + outcome.accepted;
            errors.push(format!("and others: {} of {} failed in total", outcome.failed, Count(all, "key")));
        }
        Ok(errors)
    }

    fn check(&self) -> Result<(), EngineError> {
        if self.shared.stop.is_cancelled() { Err(self.failure()) } else { Ok(()) }
    }

    /// The error that ended the restore.
    fn failure(&self) -> EngineError {
        let mut outcome = self.shared.outcome();
        outcome.fatal.take().unwrap_or_else(|| EngineError::Unreachable {
            address: self.own.shown(),
            problem: "the connection was lost".to_owned(),
        })
    }
}

fn asking(batch: Batch) -> Batch {
    let mut head = Vec::new();
    resp::command(&mut head, &[b"ASKING"]);
    let before = head.len();
    let mut commands = vec![Command { start: 0, about: About::Asking, tries: 0 }];
    commands.extend(batch.commands.into_iter().map(|command| Command {
        start: command.start + before,
        about: match command.about {
            About::Key { database, start, length } => About::Key { database, start: start + before, length },
            other => other,
        },
        tries: command.tries,
    }));
    head.extend_from_slice(&batch.head);
    Batch { head, body: batch.body, commands }
}

/// Selects another database of the server.
pub(super) async fn select(connection: &mut Connection, database: u64) -> Result<(), EngineError> {
    let number = database.to_string();
    match connection.ask(&["SELECT", &number]).await {
        Err(EngineError::Answer { problem, .. }) => Err(EngineError::Prerequisite {
            problem: format!("{} has no database {database}: {problem}", connection.address()),
            help: help!("Raise `databases` in the server's configuration; a cluster has only database 0."),
        }),
        other => other.map(|_| ()),
    }
}
