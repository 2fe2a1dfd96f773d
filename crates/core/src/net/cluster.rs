//! One node of a cluster is not the whole: reading or writing it alone would be short in silence.

use super::Connection;
use crate::error::{Error, ErrorKind, Result};

impl Connection {
    /// Refuses a node that holds only a part of a cluster's keys.
    ///
    /// Sends `CLUSTER INFO` where the server is in cluster mode, and nothing elsewhere.
    pub fn expect_all_keys(&mut self) -> Result<()> {
        if self.server().mode != "cluster" {
            return Ok(());
        }
        let reply = self.call(&[b"CLUSTER", b"INFO"])?;
        let text = String::from_utf8_lossy(reply.as_bytes().unwrap_or_default()).into_owned();
        let primaries = text
            .lines()
            .find_map(|line| line.strip_prefix("cluster_size:"))
            .and_then(|count| count.trim().parse::<u64>().ok());
        match primaries {
            Some(0 | 1) => Ok(()),
            Some(count) => Err(self.part_of_a_cluster(&format!("one of {count} primaries"))),
            None => Err(self.part_of_a_cluster("a node")),
        }
    }

    fn part_of_a_cluster(&self, what: &str) -> Error {
        let label = self.endpoint_label();
        Error::new(
            ErrorKind::Option,
            format!(
                "{label} is {what} of a cluster and holds only a part of its keys; clusters are \
                 not supported yet: connect to a server of its own"
            ),
        )
    }
}
