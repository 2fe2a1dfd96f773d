//! Commands on their way to Python, and the clients that wait for the answers.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use gearframe_server_api::{BlockedClient, ClientKey, Reply};

/// A command of a client, for Python.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) token: u64,
    pub(crate) name: String,
    pub(crate) arguments: Vec<Vec<u8>>,
    pub(crate) user: String,
    pub(crate) client: u64,
    pub(crate) db: i32,
    pub(crate) resp3: bool,
}

/// A client that waits.
struct Waiting {
    client: BlockedClient,
    connected: bool,
}

#[derive(Default)]
struct State {
    next: u64,
    queue: VecDeque<Command>,
    waiting: HashMap<u64, Waiting>,
    tokens: HashMap<ClientKey, u64>,
    closed: bool,
}

/// The commands and their clients.
#[derive(Default)]
pub(crate) struct Tokens {
    state: Mutex<State>,
    arrived: Condvar,
}

impl Tokens {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a command whose client has been blocked.
    pub(crate) fn push(&self, client: BlockedClient, make: impl FnOnce(u64) -> Command) {
        let mut state = self.state();
        state.next += 1;
        let token = state.next;
        state.tokens.insert(client.key(), token);
        state.waiting.insert(
            token,
            Waiting {
                client,
                connected: true,
            },
        );
        state.queue.push_back(make(token));
        self.arrived.notify_one();
    }

    /// Waits for the next command; `None` when there will be no more.
    pub(crate) fn next(&self) -> Option<Command> {
        let mut state = self.state();
        loop {
            if state.closed {
                return None;
            }
            if let Some(command) = state.queue.pop_front() {
                return Some(command);
            }
            state = self
                .arrived
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Notes that a client has gone away; its token, if it was not answered yet.
    pub(crate) fn disconnected(&self, client: ClientKey) -> Option<u64> {
        let mut state = self.state();
        let token = *state.tokens.get(&client)?;
        state.waiting.get_mut(&token)?.connected = false;
        Some(token)
    }

    /// Answers a client; `false` if it is gone, or was answered before.
    pub(crate) fn answer(&self, token: u64, reply: &Reply) -> bool {
        let taken = {
            let mut state = self.state();
            let taken = state.waiting.remove(&token);
            if let Some(waiting) = &taken {
                state.tokens.remove(&waiting.client.key());
            }
            taken
        };
        taken.is_some_and(|waiting| {
            // A client that is gone must be let go as well; the server drops the answer.
            waiting.client.answer(reply);
            waiting.connected
        })
    }

    /// Answers all that wait with an error: nobody else will.
    pub(crate) fn refuse_all(&self, text: &str) {
        let waiting: Vec<u64> = {
            let mut state = self.state();
            state.queue.clear();
            state.waiting.keys().copied().collect()
        };
        for token in waiting {
            self.answer(token, &Reply::Error(text.to_owned()));
        }
    }

    /// Ends [`Self::next`] for all.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.arrived.notify_all();
    }
}
