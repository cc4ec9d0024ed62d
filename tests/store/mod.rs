//! One module per kind of promise; `contract` is what all stores share.

mod body;
mod contract;
mod credentials;
mod deleting;
mod downloads;
mod fixed_id;
mod local;
mod providers;
mod real;
mod refusals;
mod settings;
mod tls;
mod uploads;
mod waiting;
