//! Every call across the border to the server, and the only `unsafe` of this crate.
//!
//! Three rules make it sound. The table of functions is filled once, before anything else is
//! called. What must run under the server's lock takes a [`ContextLock`], or stands in a callback
//! of the server, which runs under it. No reference to the server's memory leaves the closure or
//! the guard that it was lent to.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_double, c_int, c_long, c_longlong, c_uint, c_void};
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::constants::{ContextFlags, KeyKind, LogLevel, Verdict};

const OK: c_int = 0;
const ERR: c_int = 1;
const READ: c_int = 1;
/// A look counts as no use of the key, as no hit or miss, and sends no notification of a miss.
const OPEN_UNSEEN: c_int = 1 << 16 | 1 << 17 | 1 << 18;
const KEY_ACCESS: c_int = 1 << 4;
const STREAM_REVERSE: c_int = 2;
const CONFIG_IMMUTABLE: c_uint = 1;
const EVENT_SHUTDOWN: u64 = 5;
const EVENT_CRON_LOOP: u64 = 8;
const API_VERSION: c_int = 1;

type Ctx = c_void;
type Str = c_void;
type Key = c_void;
type CallReply = c_void;
type RawUser = c_void;
type Cmd = c_void;
type Cursor = c_void;
type Blocked = c_void;
type InfoCtx = c_void;

#[repr(C)]
#[derive(Clone, Copy)]
struct RawEvent {
    id: u64,
    version: u64,
}

/// The id of a stream's entry.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct StreamId {
    /// The time.
    pub ms: u64,
    /// The number within it.
    pub seq: u64,
}

impl StreamId {
    /// The least one behind this; `None` behind the greatest that there can be.
    fn next(self) -> Option<Self> {
        let Self { ms, seq } = self;
        match seq.checked_add(1) {
            Some(seq) => Some(Self { ms, seq }),
            None => ms.checked_add(1).map(|ms| Self { ms, seq: 0 }),
        }
    }
}

/// What is read of a stream, one after the other.
pub enum StreamPart<'a> {
    /// The begin of an entry.
    Entry(StreamId),
    /// A field of the entry, and its value.
    Field(&'a [u8], &'a [u8]),
}

type CommandFn = unsafe extern "C" fn(*mut Ctx, *mut *mut Str, c_int) -> c_int;
type ScanFn = unsafe extern "C" fn(*mut Ctx, *mut Str, *mut Key, *mut c_void);
type ScanKeyFn = unsafe extern "C" fn(*mut Key, *mut Str, *mut Str, *mut c_void);
type OneShotFn = unsafe extern "C" fn(*mut c_void);
type EventFn = unsafe extern "C" fn(*mut Ctx, RawEvent, u64, *mut c_void);
type DisconnectFn = unsafe extern "C" fn(*mut Ctx, *mut Blocked);
type InfoFn = unsafe extern "C" fn(*mut InfoCtx, c_int);
type GetNumberFn = unsafe extern "C" fn(*const c_char, *mut c_void) -> c_longlong;
type SetNumberFn =
    unsafe extern "C" fn(*const c_char, c_longlong, *mut c_void, *mut *mut Str) -> c_int;
type GetTextFn = unsafe extern "C" fn(*const c_char, *mut c_void) -> *mut Str;
type SetTextFn = unsafe extern "C" fn(*const c_char, *mut Str, *mut c_void, *mut *mut Str) -> c_int;
type ApplyFn = unsafe extern "C" fn(*mut Ctx, *mut c_void, *mut *mut Str) -> c_int;

macro_rules! table {
    (
        $($field:ident: $name:literal => $kind:ty,)*
        ; // what older servers lack
        $($newer:ident: $newer_name:literal => $newer_kind:ty,)*
    ) => {
        /// The functions of the server, looked up by name.
        struct Table { $($field: $kind,)* $($newer: Option<$newer_kind>,)* }

        impl Table {
            fn fill(get: impl Fn(&CStr) -> Option<NonNull<c_void>>) -> Result<Self, LoadError> {
                Ok(Self { $(
                    $field: {
                        let found = get($name).ok_or(LoadError::Missing($name))?;
                        // SAFETY: the server gives the function of this name, whose type is that
                        // of its header redismodule.h, written beside the name below.
                        unsafe { std::mem::transmute::<*mut c_void, $kind>(found.as_ptr()) }
                    },
                )* $(
                    $newer: get($newer_name).map(|found| {
                        // SAFETY: as above.
                        unsafe { std::mem::transmute::<*mut c_void, $newer_kind>(found.as_ptr()) }
                    }),
                )* })
            }
        }
    };
}

table! {
    set_module_attribs: c"RedisModule_SetModuleAttribs" => unsafe extern "C" fn(*mut Ctx, *const c_char, c_int, c_int),
    is_module_name_busy: c"RedisModule_IsModuleNameBusy" => unsafe extern "C" fn(*const c_char) -> c_int,
    create_command: c"RedisModule_CreateCommand" => unsafe extern "C" fn(*mut Ctx, *const c_char, CommandFn, *const c_char, c_int, c_int, c_int) -> c_int,
    string_ptr_len: c"RedisModule_StringPtrLen" => unsafe extern "C" fn(*const Str, *mut usize) -> *const c_char,
    create_string: c"RedisModule_CreateString" => unsafe extern "C" fn(*mut Ctx, *const c_char, usize) -> *mut Str,
    free_string: c"RedisModule_FreeString" => unsafe extern "C" fn(*mut Ctx, *mut Str),
    reply_with_long_long: c"RedisModule_ReplyWithLongLong" => unsafe extern "C" fn(*mut Ctx, c_longlong) -> c_int,
    reply_with_error: c"RedisModule_ReplyWithError" => unsafe extern "C" fn(*mut Ctx, *const c_char) -> c_int,
    reply_with_simple_string: c"RedisModule_ReplyWithSimpleString" => unsafe extern "C" fn(*mut Ctx, *const c_char) -> c_int,
    reply_with_array: c"RedisModule_ReplyWithArray" => unsafe extern "C" fn(*mut Ctx, c_long) -> c_int,
    reply_with_map: c"RedisModule_ReplyWithMap" => unsafe extern "C" fn(*mut Ctx, c_long) -> c_int,
    reply_with_set: c"RedisModule_ReplyWithSet" => unsafe extern "C" fn(*mut Ctx, c_long) -> c_int,
    reply_with_string_buffer: c"RedisModule_ReplyWithStringBuffer" => unsafe extern "C" fn(*mut Ctx, *const c_char, usize) -> c_int,
    reply_with_null: c"RedisModule_ReplyWithNull" => unsafe extern "C" fn(*mut Ctx) -> c_int,
    reply_with_bool: c"RedisModule_ReplyWithBool" => unsafe extern "C" fn(*mut Ctx, c_int) -> c_int,
    reply_with_double: c"RedisModule_ReplyWithDouble" => unsafe extern "C" fn(*mut Ctx, c_double) -> c_int,
    reply_with_big_number: c"RedisModule_ReplyWithBigNumber" => unsafe extern "C" fn(*mut Ctx, *const c_char, usize) -> c_int,
    get_selected_db: c"RedisModule_GetSelectedDb" => unsafe extern "C" fn(*mut Ctx) -> c_int,
    select_db: c"RedisModule_SelectDb" => unsafe extern "C" fn(*mut Ctx, c_int) -> c_int,
    get_client_id: c"RedisModule_GetClientId" => unsafe extern "C" fn(*mut Ctx) -> u64,
    get_client_user_name: c"RedisModule_GetClientUserNameById" => unsafe extern "C" fn(*mut Ctx, u64) -> *mut Str,
    avoid_replica_traffic: c"RedisModule_AvoidReplicaTraffic" => unsafe extern "C" fn() -> c_int,
    get_context_flags: c"RedisModule_GetContextFlags" => unsafe extern "C" fn(*mut Ctx) -> c_int,
    open_key: c"RedisModule_OpenKey" => unsafe extern "C" fn(*mut Ctx, *mut Str, c_int) -> *mut Key,
    close_key: c"RedisModule_CloseKey" => unsafe extern "C" fn(*mut Key),
    key_type: c"RedisModule_KeyType" => unsafe extern "C" fn(*mut Key) -> c_int,
    value_length: c"RedisModule_ValueLength" => unsafe extern "C" fn(*mut Key) -> usize,
    string_dma: c"RedisModule_StringDMA" => unsafe extern "C" fn(*mut Key, *mut usize, c_int) -> *const c_char,
    get_expire: c"RedisModule_GetExpire" => unsafe extern "C" fn(*mut Key) -> c_longlong,
    list_get: c"RedisModule_ListGet" => unsafe extern "C" fn(*mut Key, c_long) -> *mut Str,
    zset_first: c"RedisModule_ZsetFirstInScoreRange" => unsafe extern "C" fn(*mut Key, c_double, c_double, c_int, c_int) -> c_int,
    zset_current: c"RedisModule_ZsetRangeCurrentElement" => unsafe extern "C" fn(*mut Key, *mut c_double) -> *mut Str,
    zset_next: c"RedisModule_ZsetRangeNext" => unsafe extern "C" fn(*mut Key) -> c_int,
    stream_start: c"RedisModule_StreamIteratorStart" => unsafe extern "C" fn(*mut Key, c_int, *mut StreamId, *mut StreamId) -> c_int,
    stream_entry: c"RedisModule_StreamIteratorNextID" => unsafe extern "C" fn(*mut Key, *mut StreamId, *mut c_long) -> c_int,
    stream_field: c"RedisModule_StreamIteratorNextField" => unsafe extern "C" fn(*mut Key, *mut *mut Str, *mut *mut Str) -> c_int,
    stream_stop: c"RedisModule_StreamIteratorStop" => unsafe extern "C" fn(*mut Key) -> c_int,
    hash_get: c"RedisModule_HashGet" => unsafe extern "C" fn(*mut Key, c_int, ...) -> c_int,
    scan: c"RedisModule_Scan" => unsafe extern "C" fn(*mut Ctx, *mut Cursor, ScanFn, *mut c_void) -> c_int,
    scan_key: c"RedisModule_ScanKey" => unsafe extern "C" fn(*mut Key, *mut Cursor, ScanKeyFn, *mut c_void) -> c_int,
    scan_cursor_create: c"RedisModule_ScanCursorCreate" => unsafe extern "C" fn() -> *mut Cursor,
    scan_cursor_destroy: c"RedisModule_ScanCursorDestroy" => unsafe extern "C" fn(*mut Cursor),
    call: c"RedisModule_Call" => unsafe extern "C" fn(*mut Ctx, *const c_char, *const c_char, ...) -> *mut CallReply,
    call_reply_proto: c"RedisModule_CallReplyProto" => unsafe extern "C" fn(*mut CallReply, *mut usize) -> *const c_char,
    free_call_reply: c"RedisModule_FreeCallReply" => unsafe extern "C" fn(*mut CallReply),
    block_client: c"RedisModule_BlockClient" => unsafe extern "C" fn(*mut Ctx, *const c_void, *const c_void, *const c_void, c_longlong) -> *mut Blocked,
    unblock_client: c"RedisModule_UnblockClient" => unsafe extern "C" fn(*mut Blocked, *mut c_void) -> c_int,
    set_disconnect_callback: c"RedisModule_SetDisconnectCallback" => unsafe extern "C" fn(*mut Blocked, DisconnectFn),
    get_thread_safe_context: c"RedisModule_GetThreadSafeContext" => unsafe extern "C" fn(*mut Blocked) -> *mut Ctx,
    get_detached_context: c"RedisModule_GetDetachedThreadSafeContext" => unsafe extern "C" fn(*mut Ctx) -> *mut Ctx,
    free_thread_safe_context: c"RedisModule_FreeThreadSafeContext" => unsafe extern "C" fn(*mut Ctx),
    context_try_lock: c"RedisModule_ThreadSafeContextTryLock" => unsafe extern "C" fn(*mut Ctx) -> c_int,
    context_unlock: c"RedisModule_ThreadSafeContextUnlock" => unsafe extern "C" fn(*mut Ctx),
    log: c"RedisModule_Log" => unsafe extern "C" fn(*mut Ctx, *const c_char, *const c_char, ...),
    register_info_func: c"RedisModule_RegisterInfoFunc" => unsafe extern "C" fn(*mut Ctx, InfoFn) -> c_int,
    info_add_section: c"RedisModule_InfoAddSection" => unsafe extern "C" fn(*mut InfoCtx, *const c_char) -> c_int,
    info_add_text: c"RedisModule_InfoAddFieldCString" => unsafe extern "C" fn(*mut InfoCtx, *const c_char, *const c_char) -> c_int,
    subscribe_to_server_event: c"RedisModule_SubscribeToServerEvent" => unsafe extern "C" fn(*mut Ctx, RawEvent, EventFn) -> c_int,
    event_loop_add_one_shot: c"RedisModule_EventLoopAddOneShot" => unsafe extern "C" fn(OneShotFn, *mut c_void) -> c_int,
    register_numeric_config: c"RedisModule_RegisterNumericConfig" => unsafe extern "C" fn(*mut Ctx, *const c_char, c_longlong, c_uint, c_longlong, c_longlong, GetNumberFn, SetNumberFn, Option<ApplyFn>, *mut c_void) -> c_int,
    register_string_config: c"RedisModule_RegisterStringConfig" => unsafe extern "C" fn(*mut Ctx, *const c_char, *const c_char, c_uint, GetTextFn, SetTextFn, Option<ApplyFn>, *mut c_void) -> c_int,
    load_configs: c"RedisModule_LoadConfigs" => unsafe extern "C" fn(*mut Ctx) -> c_int,
    get_user: c"RedisModule_GetModuleUserFromUserName" => unsafe extern "C" fn(*mut Str) -> *mut RawUser,
    free_user: c"RedisModule_FreeModuleUser" => unsafe extern "C" fn(*mut RawUser) -> c_int,
    set_context_user: c"RedisModule_SetContextUser" => unsafe extern "C" fn(*mut Ctx, *const RawUser),
    acl_check_key: c"RedisModule_ACLCheckKeyPermissions" => unsafe extern "C" fn(*mut RawUser, *mut Str, c_int) -> c_int,
    acl_check_command: c"RedisModule_ACLCheckCommandPermissions" => unsafe extern "C" fn(*mut RawUser, *mut *mut Str, c_int) -> c_int,
    get_command: c"RedisModule_GetCommand" => unsafe extern "C" fn(*mut Ctx, *const c_char) -> *mut Cmd,
    ;
    set_command_categories: c"RedisModule_SetCommandACLCategories" => unsafe extern "C" fn(*mut Cmd, *const c_char) -> c_int,
    acl_check: c"RedisModule_ACLCheckPermissions" => unsafe extern "C" fn(*mut RawUser, *mut *mut Str, c_int, c_int, *mut c_int) -> c_int,
    user_rules: c"RedisModule_GetModuleUserACLString" => unsafe extern "C" fn(*mut RawUser) -> *mut Str,
}

static TABLE: OnceLock<Table> = OnceLock::new();

/// The functions; loading filled the table before any other code of this crate can run.
fn api() -> &'static Table {
    match TABLE.get() {
        Some(table) => table,
        // There is no server to tell, and nothing that could go on.
        None => std::process::abort(),
    }
}

/// Why the module cannot be loaded.
#[derive(Debug)]
pub enum LoadError {
    /// The server lacks a function: it is too old.
    Missing(&'static CStr),
    /// Another module has the name.
    NameBusy,
    /// The server refused a command, a setting or an event.
    Refused(String),
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(name) => write!(
                f,
                "this server has no {}: Redis 7.0 or Valkey 8 are the oldest that do",
                name.to_string_lossy()
            ),
            Self::NameBusy => f.write_str("a module of this name is loaded already"),
            Self::Refused(what) => write!(f, "the server refused {what}"),
        }
    }
}

/// What a module gives the server; made once, lives for ever.
pub trait ModuleEntry: Sync {
    /// A client sent a command of the module. Runs on the server's main thread.
    fn command(&self, context: &Context<'_>, arguments: Vec<Vec<u8>>);
    /// A blocked client has gone away.
    fn disconnected(&self, client: ClientKey);
    /// Something happened to the server.
    fn event(&self, event: Event);
    /// The sections of INFO: a name, and its fields.
    fn info(&self) -> Vec<(String, Vec<(String, String)>)>;
    /// The value of a setting.
    fn config(&self, index: usize) -> ConfigValue;
    /// Changes a setting, or says why not.
    fn set_config(&self, index: usize, value: ConfigValue) -> Result<(), String>;
}

/// What happened to the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event {
    /// It has its regular turn, ten times a second or so: it is up, and this module is part of it.
    Cron,
    /// It is shutting down.
    Shutdown,
}

/// The value of a setting.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ConfigValue {
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
}

static ENTRY: OnceLock<&'static dyn ModuleEntry> = OnceLock::new();

/// Runs a callback's body; a panic must not cross into C.
fn guarded(body: impl FnOnce(&'static dyn ModuleEntry)) {
    if let Some(entry) = ENTRY.get()
        && catch_unwind(AssertUnwindSafe(|| body(*entry))).is_err()
    {
        log_line(
            ptr::null_mut(),
            LogLevel::Warning,
            "a callback of the module panicked",
        );
    }
}

// -- loading ---------------------------------------------------------------------------------------

/// The context of a callback: valid while the callback runs, on the server's main thread.
pub struct Context<'a> {
    raw: *mut Ctx,
    _lent: PhantomData<(&'a (), *mut ())>,
}

impl Context<'_> {
    /// Starts to load a module: fills the table, and gives the context and the arguments.
    ///
    /// # Safety
    /// `raw`, `argv` and `argc` are what the server gave to `RedisModule_OnLoad`, which is running.
    pub unsafe fn load<'a>(
        raw: *mut c_void,
        argv: *mut *mut c_void,
        argc: c_int,
        name: &CStr,
        version: c_int,
    ) -> Result<(Context<'a>, Vec<Vec<u8>>), LoadError> {
        // SAFETY: the first word of a context that loads a module is the function that finds the
        // others by name (RedisModule_Init of redismodule.h does the same).
        let get = unsafe {
            *raw.cast::<unsafe extern "C" fn(*const c_char, *mut *mut c_void) -> c_int>()
        };
        let find = |name: &CStr| {
            let mut found = ptr::null_mut();
            // SAFETY: `get` takes a name and a place for the function.
            let code = unsafe { get(name.as_ptr(), &raw mut found) };
            if code == OK {
                NonNull::new(found)
            } else {
                None
            }
        };
        if TABLE.get().is_none() {
            let _: Result<(), _> = TABLE.set(Table::fill(find)?);
        }
        // SAFETY: the context is the loading one, and the name lives through the call.
        unsafe {
            if (api().is_module_name_busy)(name.as_ptr()) != 0 {
                return Err(LoadError::NameBusy);
            }
            (api().set_module_attribs)(raw, name.as_ptr(), version, API_VERSION);
        }
        let context = Context {
            raw,
            _lent: PhantomData,
        };
        // SAFETY: the server gave `argc` strings at `argv`.
        let arguments = unsafe { strings(argv, argc) };
        Ok((context, arguments))
    }

    /// Names the one object that answers the server's callbacks.
    pub fn set_entry(&self, entry: &'static dyn ModuleEntry) -> Result<(), LoadError> {
        // A second load finds the same object.
        let _: Result<(), _> = ENTRY.set(entry);
        // SAFETY: the callbacks have the types of redismodule.h and live as long as the module,
        // which is never unloaded.
        unsafe {
            for id in [EVENT_SHUTDOWN, EVENT_CRON_LOOP] {
                let event = RawEvent { id, version: 1 };
                if (api().subscribe_to_server_event)(self.raw, event, on_event) != OK {
                    return Err(LoadError::Refused(format!("the event {id}")));
                }
            }
            if (api().register_info_func)(self.raw, on_info) != OK {
                return Err(LoadError::Refused("the sections of INFO".into()));
            }
        }
        Ok(())
    }

    /// Adds a command without keys. The flags say nothing to ACL: what it goes by are the
    /// categories, which servers before Redis 7.2 do not take.
    pub fn create_command(
        &self,
        name: &CStr,
        flags: &CStr,
        categories: &CStr,
    ) -> Result<(), LoadError> {
        let shown = || format!("the command {}", name.to_string_lossy());
        // SAFETY: the server copies the name and the flags.
        let code = unsafe {
            (api().create_command)(self.raw, name.as_ptr(), on_command, flags.as_ptr(), 0, 0, 0)
        };
        accepted(code, shown)?;
        let Some(set_categories) = api().set_command_categories else {
            return Ok(());
        };
        // SAFETY: the command was made above, by the module that is being loaded.
        let code = unsafe {
            let command = (api().get_command)(self.raw, name.as_ptr());
            set_categories(command, categories.as_ptr())
        };
        accepted(code, shown)
    }

    /// Whether the server puts commands of modules into ACL categories.
    pub fn has_categories(&self) -> bool {
        api().set_command_categories.is_some()
    }

    /// Whether the client's user may run a command, by its name alone.
    pub fn may_run(&self, command: &[u8]) -> bool {
        let user = self.user_name().and_then(|name| find_user(&name));
        user.is_some_and(|user| user.may_run(self.selected_db(), &[command]))
    }

    /// Adds a setting to `CONFIG`; `index` comes back in the entry's `config` and `set_config`.
    pub fn register_config(
        &self,
        index: usize,
        name: &CStr,
        default: &ConfigValue,
        range: (i64, i64),
        immutable: bool,
    ) -> Result<(), LoadError> {
        let flags = if immutable { CONFIG_IMMUTABLE } else { 0 };
        let data = ptr::without_provenance_mut(index);
        let code = match default {
            // SAFETY: the server copies the name; the callbacks live as long as the module, and
            // the data is a number in a pointer's clothes.
            ConfigValue::Number(number) => unsafe {
                (api().register_numeric_config)(
                    self.raw,
                    name.as_ptr(),
                    *number,
                    flags,
                    range.0,
                    range.1,
                    on_get_number,
                    on_set_number,
                    None,
                    data,
                )
            },
            ConfigValue::Text(text) => {
                let text = c_string(text.as_bytes());
                // SAFETY: as above; the server copies the default too.
                unsafe {
                    (api().register_string_config)(
                        self.raw,
                        name.as_ptr(),
                        text.as_ptr(),
                        flags,
                        on_get_text,
                        on_set_text,
                        None,
                        data,
                    )
                }
            }
        };
        accepted(code, || format!("the setting {}", name.to_string_lossy()))
    }

    /// Takes the settings' values from the server's configuration.
    pub fn load_configs(&self) -> Result<(), LoadError> {
        // SAFETY: called once, while the module loads.
        accepted(unsafe { (api().load_configs)(self.raw) }, || {
            "a setting's value".into()
        })
    }

    /// Writes a line to the server's log.
    pub fn log(&self, level: LogLevel, text: &str) {
        log_line(self.raw, level, text);
    }

    /// The database that the client has selected.
    pub fn selected_db(&self) -> i32 {
        // SAFETY: the context is valid while the callback runs.
        unsafe { (api().get_selected_db)(self.raw) }
    }

    /// The client's id.
    pub fn client_id(&self) -> u64 {
        // SAFETY: as above.
        unsafe { (api().get_client_id)(self.raw) }
    }

    /// The name of the client's ACL user; `None` for a client of the server's own, as it is when
    /// another module runs the command. Such a client has no user, and `GetCurrentUserName`, which
    /// does not look, ends the server.
    pub fn user_name(&self) -> Option<Vec<u8>> {
        // SAFETY: the string is ours to free; the server looks for a connected client of this id.
        unsafe {
            let name = (api().get_client_user_name)(self.raw, self.client_id());
            if name.is_null() {
                return None;
            }
            let bytes = bytes_of(name).to_vec();
            (api().free_string)(self.raw, name);
            Some(bytes)
        }
    }

    /// What the server and the client are doing.
    pub fn flags(&self) -> ContextFlags {
        // SAFETY: as above.
        ContextFlags(unsafe { (api().get_context_flags)(self.raw) })
    }

    /// Answers the client at once.
    pub fn reply(&self, reply: &Reply) {
        send(self.raw, reply);
    }

    /// Lets the client wait for an answer from another thread.
    pub fn block_client(&self) -> Option<BlockedClient> {
        // SAFETY: no callbacks are given: the answer comes through a context of the client.
        let raw =
            unsafe { (api().block_client)(self.raw, ptr::null(), ptr::null(), ptr::null(), 0) };
        let raw = NonNull::new(raw)?.as_ptr();
        // SAFETY: the client has just been blocked. The context for the answer is made here and not
        // by the thread that answers: it looks at the client, which the main thread may free.
        unsafe {
            (api().set_disconnect_callback)(raw, on_disconnect);
            Some(BlockedClient {
                raw: raw as usize,
                context: (api().get_thread_safe_context)(raw) as usize,
            })
        }
    }

    /// A context that outlives the callback, for other threads.
    pub fn thread_context(&self) -> ThreadContext {
        // SAFETY: the context is valid; what comes back lives until it is freed.
        let raw = unsafe { (api().get_detached_context)(self.raw) };
        ThreadContext { raw }
    }
}

fn accepted(code: c_int, what: impl FnOnce() -> String) -> Result<(), LoadError> {
    if code == OK {
        Ok(())
    } else {
        Err(LoadError::Refused(what()))
    }
}

// -- callbacks -------------------------------------------------------------------------------------

unsafe extern "C" fn on_command(raw: *mut Ctx, argv: *mut *mut Str, argc: c_int) -> c_int {
    guarded(|entry| {
        let context = Context {
            raw,
            _lent: PhantomData,
        };
        // SAFETY: the server gave `argc` strings at `argv`.
        let arguments = unsafe { strings(argv, argc) };
        entry.command(&context, arguments);
    });
    OK
}

unsafe extern "C" fn on_disconnect(_: *mut Ctx, raw: *mut Blocked) {
    guarded(|entry| entry.disconnected(ClientKey(raw as usize)));
}

unsafe extern "C" fn on_event(_: *mut Ctx, event: RawEvent, _: u64, _: *mut c_void) {
    match event.id {
        EVENT_SHUTDOWN => guarded(|entry| entry.event(Event::Shutdown)),
        EVENT_CRON_LOOP => guarded(|entry| entry.event(Event::Cron)),
        _ => {}
    }
}

unsafe extern "C" fn on_info(raw: *mut InfoCtx, for_crash_report: c_int) {
    if for_crash_report != 0 {
        return; // our locks may be held by the thread that crashed
    }
    guarded(|entry| {
        for (section, fields) in entry.info() {
            let section = c_string(section.as_bytes());
            // SAFETY: the server copies all texts. It answers with an error where the section was
            // not asked for: then its fields are not wanted either.
            unsafe {
                if (api().info_add_section)(raw, section.as_ptr()) != OK {
                    continue;
                }
                for (field, value) in fields {
                    let (field, value) = (c_string(field.as_bytes()), c_string(value.as_bytes()));
                    (api().info_add_text)(raw, field.as_ptr(), value.as_ptr());
                }
            }
        }
    });
}

unsafe extern "C" fn on_get_number(_: *const c_char, data: *mut c_void) -> c_longlong {
    let mut number = 0;
    guarded(|entry| {
        if let ConfigValue::Number(value) = entry.config(data.addr()) {
            number = value;
        }
    });
    number
}

unsafe extern "C" fn on_set_number(
    _: *const c_char,
    value: c_longlong,
    data: *mut c_void,
    error: *mut *mut Str,
) -> c_int {
    set_config(data, ConfigValue::Number(value), error)
}

/// The texts of settings that the server was given last: it reads them after the callback.
static LENT_TEXTS: Mutex<Option<HashMap<usize, usize>>> = Mutex::new(None);

unsafe extern "C" fn on_get_text(_: *const c_char, data: *mut c_void) -> *mut Str {
    let mut text = String::new();
    guarded(|entry| {
        if let ConfigValue::Text(value) = entry.config(data.addr()) {
            text = value;
        }
    });
    let made = create_string(text.as_bytes());
    let mut lent = LENT_TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(old) = lent
        .get_or_insert_default()
        .insert(data.addr(), made as usize)
    {
        // SAFETY: ours, and the server is done with it: it asks anew each time.
        unsafe { (api().free_string)(ptr::null_mut(), old as *mut Str) };
    }
    made
}

unsafe extern "C" fn on_set_text(
    _: *const c_char,
    value: *mut Str,
    data: *mut c_void,
    error: *mut *mut Str,
) -> c_int {
    // SAFETY: the server lends the string for the call.
    let text = String::from_utf8_lossy(unsafe { bytes_of(value) }).into_owned();
    set_config(data, ConfigValue::Text(text), error)
}

fn set_config(data: *mut c_void, value: ConfigValue, error: *mut *mut Str) -> c_int {
    let mut outcome = Err("the module is not ready".to_owned());
    guarded(|entry| outcome = entry.set_config(data.addr(), value));
    match outcome {
        Ok(()) => OK,
        Err(text) => {
            // SAFETY: the server gives a place for the text, and frees the string.
            unsafe { *error = create_string(text.as_bytes()) };
            ERR
        }
    }
}

unsafe extern "C" fn on_one_shot(data: *mut c_void) {
    // SAFETY: `one_shot` made the box for this one call.
    let task = unsafe { Box::from_raw(data.cast::<Box<dyn FnOnce() + Send>>()) };
    guarded(|_| task());
}

/// Has the server's main thread run a task in its event loop; `false` if it cannot.
pub fn one_shot(task: Box<dyn FnOnce() + Send>) -> bool {
    let data = Box::into_raw(Box::new(task)).cast::<c_void>();
    // SAFETY: any thread may call this; the callback gets the box exactly once.
    let code = unsafe { (api().event_loop_add_one_shot)(on_one_shot, data) };
    if code != OK {
        // SAFETY: it was not taken.
        drop(unsafe { Box::from_raw(data.cast::<Box<dyn FnOnce() + Send>>()) });
    }
    code == OK
}

/// Has the server's main thread do some work in its event loop, under its own hold of the lock.
/// `done` gets what came of it, and the context back. `false` if that thread cannot be asked.
pub fn on_main_thread<R>(
    context: ThreadContext,
    work: impl FnOnce(&ContextLock) -> R + Send + 'static,
    done: impl FnOnce(R, ThreadContext) + Send + 'static,
) -> bool {
    one_shot(Box::new(move || {
        // Never dropped: the main thread lets the lock go by itself.
        let mut lock = ManuallyDrop::new(ContextLock {
            context: ManuallyDrop::new(context),
            _same_thread: PhantomData,
        });
        let result = work(&lock);
        // SAFETY: the context is taken once, and the guard is neither used nor dropped after that.
        let context = unsafe { ManuallyDrop::take(&mut lock.context) };
        done(result, context);
    }))
}

// -- blocked clients and replies -------------------------------------------------------------------

/// A client that waits for its answer, and must get one, connected or not.
#[derive(Debug)]
pub struct BlockedClient {
    raw: usize,
    context: usize,
}

/// Which blocked client it is, until it is answered.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ClientKey(usize);

impl BlockedClient {
    /// Which one it is.
    pub fn key(&self) -> ClientKey {
        ClientKey(self.raw)
    }

    /// Answers the client and lets it go on.
    ///
    /// The answer is built on this thread; the server's main thread only moves it.
    pub fn answer(self, reply: &Reply) {
        let (raw, context) = (self.raw as *mut Blocked, self.context as *mut Ctx);
        // SAFETY: the client is blocked until `unblock_client`, whether it is connected or not, and
        // a context of a blocked client collects replies without the server's lock.
        unsafe {
            send(context, reply);
            (api().free_thread_safe_context)(context);
            (api().unblock_client)(raw, ptr::null_mut());
        }
    }
}

/// How a command is run from a thread of the module.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct CallMode {
    /// The command is one that scripts may not use, and does not write.
    pub admin: bool,
    /// The command runs a script of the server; the rules hold for the commands of that.
    pub nested: bool,
    /// The reply comes in RESP3.
    pub resp3: bool,
}

/// An answer to a client.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Nothing.
    Null,
    /// A truth value; 0 or 1 in RESP2.
    Bool(bool),
    /// A number.
    Integer(i64),
    /// A number above 64 bits, in decimal digits.
    BigNumber(String),
    /// A double; a text in RESP2.
    Double(f64),
    /// Bytes.
    Bulk(Vec<u8>),
    /// A status such as OK.
    Simple(String),
    /// An error, with its code in front.
    Error(String),
    /// Several answers.
    Array(Vec<Reply>),
    /// Pairs; an array of both in RESP2.
    Map(Vec<(Reply, Reply)>),
    /// A set; an array in RESP2.
    Set(Vec<Reply>),
}

fn send(context: *mut Ctx, reply: &Reply) {
    let api = api();
    let size = |length: usize| c_long::try_from(length).unwrap_or(c_long::MAX);
    // SAFETY: the context can be replied to (the callers have one of a command or of a blocked
    // client); the server copies what it is given, and lengths go with texts that may have NULs.
    unsafe {
        match reply {
            Reply::Null => (api.reply_with_null)(context),
            Reply::Bool(value) => (api.reply_with_bool)(context, c_int::from(*value)),
            Reply::Integer(value) => (api.reply_with_long_long)(context, *value),
            Reply::BigNumber(digits) => {
                (api.reply_with_big_number)(context, digits.as_ptr().cast(), digits.len())
            }
            Reply::Double(value) => (api.reply_with_double)(context, *value),
            Reply::Bulk(bytes) => {
                (api.reply_with_string_buffer)(context, bytes.as_ptr().cast(), bytes.len())
            }
            Reply::Simple(text) => (api.reply_with_simple_string)(context, one_line(text).as_ptr()),
            Reply::Error(text) => (api.reply_with_error)(context, one_line(text).as_ptr()),
            Reply::Array(items) => (api.reply_with_array)(context, size(items.len())),
            Reply::Map(pairs) => (api.reply_with_map)(context, size(pairs.len())),
            Reply::Set(items) => (api.reply_with_set)(context, size(items.len())),
        };
    }
    match reply {
        Reply::Array(items) | Reply::Set(items) => {
            items.iter().for_each(|item| send(context, item))
        }
        Reply::Map(pairs) => pairs.iter().for_each(|(key, value)| {
            send(context, key);
            send(context, value);
        }),
        _ => {}
    }
}

/// A line break would end a status or an error in the middle.
fn one_line(text: &str) -> CString {
    c_string(
        text.replace("\r\n", "\n")
            .replace('\r', "\n")
            .replace('\n', "|")
            .as_bytes(),
    )
}

// -- other threads ---------------------------------------------------------------------------------

/// A context for a thread of the module; most of it needs the server's lock. It lives as long as
/// the server: there are as many as threads that use one at the same time.
pub struct ThreadContext {
    raw: *mut Ctx,
}

// SAFETY: the server lets any thread use a detached context, one at a time: `lock` takes `&mut`.
unsafe impl Send for ThreadContext {}
// SAFETY: through `&` a context can only be logged with and copied from, which needs no lock.
unsafe impl Sync for ThreadContext {}

impl ThreadContext {
    /// Another context of the same module.
    pub fn another(&self) -> Self {
        // SAFETY: only the module's name is read from the context, which never changes.
        let raw = unsafe { (api().get_detached_context)(self.raw) };
        Self { raw }
    }

    /// Writes a line to the server's log; any thread may.
    pub fn log(&self, level: LogLevel, text: &str) {
        log_line(self.raw, level, text);
    }

    /// Takes the server's lock if it is free; while it is held, the server answers nobody.
    ///
    /// There is no function that waits: a thread that waits when the server shuts down can make it
    /// crash (Valkey lets the lock go for a moment while it unloads its script engine, with a
    /// command under way, which whoever takes the lock then asserts there is not).
    pub fn try_lock(self) -> Result<ContextLock, Self> {
        // SAFETY: the context is valid; the guard unlocks exactly once, on the same thread.
        if unsafe { (api().context_try_lock)(self.raw) } != OK {
            return Err(self);
        }
        Ok(ContextLock {
            context: ManuallyDrop::new(self),
            _same_thread: PhantomData,
        })
    }
}

/// The server's lock, held.
pub struct ContextLock {
    context: ManuallyDrop<ThreadContext>,
    _same_thread: PhantomData<*mut ()>,
}

impl ContextLock {
    /// Lets the lock go, and gives the context for the next time.
    pub fn release(self) -> ThreadContext {
        let mut held = ManuallyDrop::new(self);
        // SAFETY: this thread holds the lock; the context is taken once, the guard is not dropped.
        unsafe {
            (api().context_unlock)(held.context.raw);
            ManuallyDrop::take(&mut held.context)
        }
    }
}

impl Drop for ContextLock {
    fn drop(&mut self) {
        // The context itself is not freed: this is the way of a panic, and leaves a client behind.
        // SAFETY: this thread holds the lock.
        unsafe { (api().context_unlock)(self.context.raw) };
    }
}

/// An ACL user, looked up under the lock and good while it is held.
pub struct User<'a> {
    raw: *mut RawUser,
    _lock: PhantomData<&'a ()>,
}

/// Finds a user; the callers hold the lock as long as he lives.
fn find_user<'a>(name: &[u8]) -> Option<User<'a>> {
    let name = create_string(name);
    // SAFETY: the lock is held; the name is ours to free.
    let raw = unsafe {
        let raw = (api().get_user)(name);
        (api().free_string)(ptr::null_mut(), name);
        raw
    };
    // Not `then_some`: a user made of null would be dropped, and freed.
    (!raw.is_null()).then(|| User {
        raw,
        _lock: PhantomData,
    })
}

impl Drop for User<'_> {
    fn drop(&mut self) {
        // SAFETY: ours to free; the user itself stays.
        unsafe { (api().free_user)(self.raw) };
    }
}

impl User<'_> {
    /// Whether the user may read a key: in some database, if rights differ between them.
    pub fn may_read(&self, key: &KeyView<'_>) -> bool {
        // SAFETY: both are good while the lock is held.
        unsafe { (api().acl_check_key)(self.raw, key.name, KEY_ACCESS) == OK }
    }

    /// Whether the user may run a command with these arguments, its name first, in a database.
    pub fn may_run(&self, db: i32, command: &[&[u8]]) -> bool {
        self.verdict(db, command) == Verdict::Allowed
    }

    /// What the server says to a command of the user in a database.
    pub fn verdict(&self, db: i32, command: &[&[u8]]) -> Verdict {
        let mut argv: Vec<*mut Str> = command.iter().map(|text| create_string(text)).collect();
        let count = c_int::try_from(argv.len()).unwrap_or(c_int::MAX);
        let mut reason: c_int = Verdict::NO_REASON;
        // SAFETY: the user is good while the lock is held; the strings are ours to free.
        unsafe {
            let code = match api().acl_check {
                // Valkey 9.1: the older one refuses whoever may not enter all databases.
                Some(check) => check(self.raw, argv.as_mut_ptr(), count, db, &raw mut reason),
                None => (api().acl_check_command)(self.raw, argv.as_mut_ptr(), count),
            };
            for text in argv {
                (api().free_string)(ptr::null_mut(), text);
            }
            Verdict::of(code == OK, reason)
        }
    }

    /// The user's rules, as `ACL LIST` prints them; `None` where the server does not tell a module.
    pub fn rules(&self) -> Option<Vec<u8>> {
        let rules = api().user_rules?;
        // SAFETY: the user is good while the lock is held; the string is ours to free.
        unsafe {
            let text = rules(self.raw);
            if text.is_null() {
                return None;
            }
            let bytes = bytes_of(text).to_vec();
            (api().free_string)(ptr::null_mut(), text);
            Some(bytes)
        }
    }
}

/// Whether the server has rights of users to databases: Valkey from 9.1 on.
pub fn has_database_rights() -> bool {
    api().acl_check.is_some()
}

impl ContextLock {
    /// Chooses the database; `false` if there is none of this number.
    pub fn select_db(&self, db: i32) -> bool {
        // SAFETY: the lock is held.
        unsafe { (api().select_db)(self.context.raw, db) == OK }
    }

    /// Whether the data set has to stand still: clients are paused, replicas take over, or the
    /// server waits for them before it shuts down. It ends itself when something is written.
    pub fn paused(&self) -> bool {
        // SAFETY: the lock is held.
        unsafe { (api().avoid_replica_traffic)() != 0 }
    }

    /// Finds an ACL user.
    pub fn user(&self, name: &[u8]) -> Option<User<'_>> {
        find_user(name)
    }

    /// Runs a command as a user, and gives the reply's bytes in RESP to `read`.
    ///
    /// As in a script, commands that block or change the client are refused, and so are writes on a
    /// replica, or when the server cannot save. The user's rights are checked, writes go to replicas and to the append-only file, and an
    /// error of any kind is an error reply. `None` if the server gave no reply at all.
    pub fn call<R>(
        &self,
        user: &User<'_>,
        command: &CStr,
        arguments: &[&[u8]],
        mode: CallMode,
        read: impl FnOnce(&[u8]) -> R,
    ) -> Option<R> {
        let format = match (mode.admin, mode.nested, mode.resp3) {
            (false, false, false) => c"v!CEMS",
            (false, false, true) => c"v!CEMS3",
            (false, true, false) => c"v!CEM",
            (false, true, true) => c"v!CEM3",
            (true, _, false) => c"vCEMW",
            (true, _, true) => c"vCEMW3",
        };
        let strings: Vec<*mut Str> = arguments.iter().map(|text| create_string(text)).collect();
        // SAFETY: the lock is held. The format says a vector of strings with its length, which is
        // what is given; the reply is ours to free, and its bytes are read before that.
        unsafe {
            (api().set_context_user)(self.context.raw, user.raw);
            let reply = (api().call)(
                self.context.raw,
                command.as_ptr(),
                format.as_ptr(),
                strings.as_ptr(),
                strings.len(),
            );
            (api().set_context_user)(self.context.raw, ptr::null());
            for text in strings {
                (api().free_string)(ptr::null_mut(), text);
            }
            if reply.is_null() {
                return None;
            }
            let mut length = 0;
            let start = (api().call_reply_proto)(reply, &raw mut length);
            let given = (!start.is_null())
                .then(|| read(std::slice::from_raw_parts(start.cast::<u8>(), length)));
            (api().free_call_reply)(reply);
            given
        }
    }

    /// Goes on with a walk over the keys of the database by one step, which gives a few keys or
    /// none. Returns whether there is more.
    pub fn scan(&self, cursor: &ScanCursor, mut each: impl FnMut(&KeyView<'_>)) -> bool {
        let mut each: &mut dyn FnMut(&KeyView<'_>) = &mut each;
        let data = (&raw mut each).cast::<c_void>();
        // SAFETY: the lock is held; the callback gets `each` back, which outlives the call.
        unsafe { (api().scan)(self.context.raw, cursor.raw, on_scan, data) != 0 }
    }

    /// Opens one key for reading, without making it look used; a missing one has the kind `Empty`.
    pub fn open(&self, name: &[u8]) -> OpenedKey<'_> {
        let name = create_string(name);
        // SAFETY: the lock is held, and the guard closes the key before it is released.
        let key = unsafe { (api().open_key)(self.context.raw, name, READ | OPEN_UNSEEN) };
        OpenedKey {
            view: KeyView {
                name,
                key,
                _lent: PhantomData,
            },
        }
    }
}

unsafe extern "C" fn on_scan(_: *mut Ctx, name: *mut Str, key: *mut Key, data: *mut c_void) {
    // SAFETY: `scan` lends this closure for the time of the call.
    let each = unsafe { &mut *data.cast::<&mut dyn FnMut(&KeyView<'_>)>() };
    let view = KeyView {
        name,
        key,
        _lent: PhantomData,
    };
    guarded(|_| each(&view));
}

/// The place of a walk over keys or over the fields of a hash.
pub struct ScanCursor {
    raw: *mut Cursor,
}

// SAFETY: a cursor is plain memory of its own.
unsafe impl Send for ScanCursor {}

impl ScanCursor {
    /// A walk that has not begun.
    #[expect(clippy::new_without_default, reason = "it takes memory of the server")]
    pub fn new() -> Self {
        // SAFETY: allocates, nothing else.
        let raw = unsafe { (api().scan_cursor_create)() };
        Self { raw }
    }
}

impl Drop for ScanCursor {
    fn drop(&mut self) {
        // SAFETY: made by `new`, freed once.
        unsafe { (api().scan_cursor_destroy)(self.raw) };
    }
}

/// A key, lent by the server.
pub struct KeyView<'a> {
    name: *mut Str,
    key: *mut Key,
    _lent: PhantomData<(&'a (), *mut ())>,
}

/// A key that was opened by its name.
pub struct OpenedKey<'a> {
    view: KeyView<'a>,
}

impl<'a> OpenedKey<'a> {
    /// The key.
    pub fn view(&self) -> &KeyView<'a> {
        &self.view
    }
}

impl Drop for OpenedKey<'_> {
    fn drop(&mut self) {
        // SAFETY: opened and made by `open`, under a lock that is still held.
        unsafe {
            if !self.view.key.is_null() {
                (api().close_key)(self.view.key);
            }
            (api().free_string)(ptr::null_mut(), self.view.name);
        }
    }
}

impl KeyView<'_> {
    /// The key's name.
    pub fn name(&self) -> &[u8] {
        // SAFETY: the server lends the name as long as the view.
        unsafe { bytes_of(self.name) }
    }

    /// What it holds.
    pub fn kind(&self) -> KeyKind {
        if self.key.is_null() {
            return KeyKind::Empty;
        }
        // SAFETY: the key is lent as long as the view.
        KeyKind::from_number(unsafe { (api().key_type)(self.key) })
    }

    /// How many elements, or bytes, it has.
    pub fn length(&self) -> usize {
        if self.key.is_null() {
            return 0;
        }
        // SAFETY: as above.
        unsafe { (api().value_length)(self.key) }
    }

    /// Whether its time to live is over: a walk meets keys that the server has not removed yet.
    pub fn expired(&self) -> bool {
        if self.key.is_null() {
            return false;
        }
        // SAFETY: as above.
        unsafe { (api().get_expire)(self.key) == 0 }
    }

    /// Reads some fields of a hash: `each` gets the number of the field, and its value.
    pub fn hash_fields(&self, fields: &HashFields, mut each: impl FnMut(usize, &[u8])) {
        for (index, &field) in fields.names.iter().enumerate() {
            let mut value: *mut Str = ptr::null_mut();
            // SAFETY: the key is a hash (HashGet answers with an error for others, and leaves the
            // value null); field, place and the final null are what it reads from the list.
            unsafe {
                (api().hash_get)(
                    self.key,
                    0 as c_int,
                    field,
                    &raw mut value,
                    ptr::null::<c_void>(),
                );
                if !value.is_null() {
                    each(index, bytes_of(value));
                    (api().free_string)(ptr::null_mut(), value);
                }
            }
        }
    }

    /// Goes on with a walk over the fields of a hash by one step: `each` gets names and values, a
    /// name perhaps more than once. Returns whether there is more.
    pub fn scan_fields(&self, cursor: &ScanCursor, mut each: impl FnMut(&[u8], &[u8])) -> bool {
        self.scan_members(cursor, |field, value| {
            if let Some(value) = value {
                each(field, value);
            }
        })
    }

    /// The same over the members of a set, or of a sorted set with their scores as texts.
    pub fn scan_members(
        &self,
        cursor: &ScanCursor,
        mut each: impl FnMut(&[u8], Option<&[u8]>),
    ) -> bool {
        let mut each: ScanEach<'_> = &mut each;
        let data = (&raw mut each).cast::<c_void>();
        // SAFETY: the key is lent; the callback gets `each` back, which outlives the call.
        unsafe { (api().scan_key)(self.key, cursor.raw, on_scan_key, data) != 0 }
    }

    /// Reads a sorted set in its order, members with scores; `each` says whether to go on.
    pub fn scored(&self, mut each: impl FnMut(&[u8], f64) -> bool) {
        if self.key.is_null() {
            return;
        }
        let (least, most) = (f64::NEG_INFINITY, f64::INFINITY);
        // SAFETY: the key is lent; of a sorted set the server gives strings of ours, or null where
        // there is none, and of others an error.
        unsafe {
            if (api().zset_first)(self.key, least, most, 0, 0) != OK {
                return;
            }
            loop {
                let mut score = 0.0;
                let member = (api().zset_current)(self.key, &raw mut score);
                if member.is_null() {
                    return;
                }
                let more = each(bytes_of(member), score);
                (api().free_string)(ptr::null_mut(), member);
                if !more || (api().zset_next)(self.key) == 0 {
                    return;
                }
            }
        }
    }

    /// The last entry of a stream.
    pub fn last_entry(&self) -> Option<StreamId> {
        let mut id = StreamId::default();
        let none = ptr::null_mut();
        // SAFETY: the key is lent; of what is no stream the server gives errors.
        unsafe {
            if self.key.is_null()
                || (api().stream_start)(self.key, STREAM_REVERSE, none, none) != OK
            {
                return None;
            }
            let found = (api().stream_entry)(self.key, &raw mut id, ptr::null_mut()) == OK;
            (api().stream_stop)(self.key);
            found.then_some(id)
        }
    }

    /// Reads entries of a stream, behind one of them and up to one; before an entry `each` says
    /// whether to go on.
    pub fn entries(
        &self,
        behind: Option<StreamId>,
        up_to: Option<StreamId>,
        mut each: impl FnMut(StreamPart<'_>) -> bool,
    ) {
        // The server's own flag for that leaves out the end as well.
        let Some(mut start) = behind.map_or(Some(StreamId::default()), StreamId::next) else {
            return;
        };
        let mut last = up_to.unwrap_or_default();
        let end = up_to.map_or(ptr::null_mut(), |_| &raw mut last);
        let mut id = StreamId::default();
        // SAFETY: the key is lent; of what is no stream the server gives errors. The ids outlive
        // the calls, and the strings are ours.
        unsafe {
            if self.key.is_null() || (api().stream_start)(self.key, 0, &raw mut start, end) != OK {
                return;
            }
            while (api().stream_entry)(self.key, &raw mut id, ptr::null_mut()) == OK
                && each(StreamPart::Entry(id))
            {
                let (mut field, mut value) = (ptr::null_mut(), ptr::null_mut());
                while (api().stream_field)(self.key, &raw mut field, &raw mut value) == OK {
                    each(StreamPart::Field(bytes_of(field), bytes_of(value)));
                    (api().free_string)(ptr::null_mut(), field);
                    (api().free_string)(ptr::null_mut(), value);
                }
            }
            (api().stream_stop)(self.key);
        }
    }

    /// Reads the elements of a list from a place on, one after the other; `each` says whether to go
    /// on. Returns how many it was given.
    ///
    /// Once for each opened key: from where it was last, the server goes to another place step by
    /// step.
    pub fn elements(&self, from: usize, mut each: impl FnMut(&[u8]) -> bool) -> usize {
        let mut given = 0;
        loop {
            let more = self.element(from + given, &mut each);
            given += usize::from(more.is_some());
            if more != Some(true) {
                return given;
            }
        }
    }

    /// The last element of a list; the key must have been opened for it alone.
    pub fn last_element(&self) -> Option<Vec<u8>> {
        let last = self.length().checked_sub(1)?;
        self.element(last, <[u8]>::to_vec)
    }

    fn element<R>(&self, place: usize, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let place = c_long::try_from(place).ok()?;
        if self.key.is_null() {
            return None;
        }
        // SAFETY: the key is lent; the server gives a string of ours, or null where there is no
        // such element, or no list.
        unsafe {
            let found = (api().list_get)(self.key, place);
            if found.is_null() {
                return None;
            }
            let given = read(bytes_of(found));
            (api().free_string)(ptr::null_mut(), found);
            Some(given)
        }
    }

    /// The bytes of a string in place. The server makes a plain string of a short one, or of a
    /// number, when it is asked: this is for long strings, which are plain.
    pub fn string(&self) -> &[u8] {
        if self.key.is_null() {
            return &[];
        }
        let mut length = 0;
        // SAFETY: the key is open; for a string the server gives its bytes, for others null. They
        // stay where they are while the view is lent: the lock is held.
        unsafe {
            let start = (api().string_dma)(self.key, &raw mut length, READ);
            if start.is_null() {
                return &[];
            }
            std::slice::from_raw_parts(start.cast::<u8>(), length)
        }
    }
}

type ScanEach<'a> = &'a mut dyn FnMut(&[u8], Option<&[u8]>);

unsafe extern "C" fn on_scan_key(_: *mut Key, field: *mut Str, value: *mut Str, data: *mut c_void) {
    // SAFETY: `scan_members` lends the closure, the server the strings; sets have no values.
    unsafe {
        let each = &mut *data.cast::<ScanEach<'_>>();
        let value = (!value.is_null()).then(|| bytes_of(value));
        guarded(|_| each(bytes_of(field), value));
    }
}

/// Names of fields that are read again and again.
pub struct HashFields {
    names: Vec<*mut Str>,
}

// SAFETY: the strings are ours alone; the server counts no references to them.
unsafe impl Send for HashFields {}

impl HashFields {
    /// Makes the names.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self {
            names: names.into_iter().map(create_string).collect(),
        }
    }
}

impl Drop for HashFields {
    fn drop(&mut self) {
        for name in &self.names {
            // SAFETY: made by `new`.
            unsafe { (api().free_string)(ptr::null_mut(), *name) };
        }
    }
}

// -- strings ---------------------------------------------------------------------------------------

thread_local! {
    /// A log line within a log line would be one of our own faults, told for ever.
    static LOGGING: Cell<bool> = const { Cell::new(false) };
}

fn log_line(context: *mut Ctx, level: LogLevel, text: &str) {
    if TABLE.get().is_none() || LOGGING.replace(true) {
        return;
    }
    let text = c_string(text.as_bytes());
    // SAFETY: logging needs no lock and takes a null context; the format has one text.
    unsafe {
        (api().log)(
            context,
            level.name().as_ptr(),
            c"%s".as_ptr(),
            text.as_ptr(),
        )
    };
    LOGGING.set(false);
}

fn create_string(bytes: &[u8]) -> *mut Str {
    // SAFETY: the server copies the bytes; without a context nobody else counts the string.
    unsafe { (api().create_string)(ptr::null_mut(), bytes.as_ptr().cast(), bytes.len()) }
}

/// # Safety
/// `string` is valid for `'a`.
unsafe fn bytes_of<'a>(string: *const Str) -> &'a [u8] {
    let mut length = 0;
    // SAFETY: the server gives the start and the length of the string's bytes.
    unsafe {
        let start = (api().string_ptr_len)(string, &raw mut length);
        if start.is_null() {
            return &[];
        }
        std::slice::from_raw_parts(start.cast::<u8>(), length)
    }
}

/// # Safety
/// `argv` holds `argc` valid strings.
unsafe fn strings(argv: *mut *mut Str, argc: c_int) -> Vec<Vec<u8>> {
    let count = usize::try_from(argc).unwrap_or(0);
    // SAFETY: the caller's promise.
    (0..count)
        .map(|index| unsafe { bytes_of(*argv.add(index)) }.to_vec())
        .collect()
}

/// A C text; one with a NUL ends before it.
fn c_string(bytes: &[u8]) -> CString {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    CString::new(&bytes[..end]).unwrap_or_default()
}
