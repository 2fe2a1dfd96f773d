//! The C API of CPython: the only file of this crate with unsafe code.
//!
//! In this order: the table of functions, opening a library, the process's one runtime, thread states and the GIL,
//! references, making objects, reading objects, errors, calling Python, the host module, interpreters, counted memory.
//!
//! What makes the safe methods safe:
//! - A [`Gil`] exists only while this OS thread has a current thread state, and cannot leave the thread. It is passed by
//!   value to everything that calls Python. It is given out by [`Attached`], [`Interpreter`] and the two trampolines.
//! - A [`Ref`] owns one reference, and lives no longer than the `Gil` it came from.
//! - The functions called check the types of their arguments themselves (PyDict_SetItem of a list is a SystemError).
//! - No object of Python is kept in Rust: interpreters share none. What is static is the table, the method definitions
//!   and the module definition, which CPython asks to be static.
//!
//! Thread states are made and ended explicitly (PyThreadState_New, PyThreadState_Delete) and not by PyGILState_Ensure,
//! which knows the main interpreter only.
#![allow(unsafe_code)]

use std::any::Any;
use std::ffi::{CStr, CString, c_char, c_int, c_long, c_longlong, c_ulong, c_void};
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, transmute};
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::ptr::{self, NonNull, null_mut};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::{Duration, Instant};

use crate::error::StartError;
use crate::settings::{Failure, Function, Settings};
use crate::value::Value;
use crate::{from_python, memory, to_python};

// ---------------------------------------------------------------------------------------------------------------------
// The table of functions
// ---------------------------------------------------------------------------------------------------------------------

/// The head of every object: its layout is part of the stable ABI (free-threaded builds, which differ, are refused).
#[repr(C)]
struct Object {
    references: isize,
    kind: *mut Object,
}
type Ptr = *mut Object;

#[repr(C)]
struct ThreadState {
    opaque: [u8; 0],
}
#[repr(C)]
struct InterpreterState {
    opaque: [u8; 0],
}
type State = *mut ThreadState;

/// PyMethodDef.
#[repr(C)]
struct MethodDef {
    name: *const c_char,
    call: FastCall,
    flags: c_int,
    doc: *const c_char,
}
type FastCall = unsafe extern "C" fn(Ptr, *const Ptr, isize) -> Ptr;
const METH_FASTCALL: c_int = 0x80;

/// PyModuleDef_Slot.
#[repr(C)]
struct Slot {
    slot: c_int,
    value: *mut c_void,
}
const SLOT_EXEC: c_int = 2;
const SLOT_MULTIPLE_INTERPRETERS: c_int = 3;
const PER_INTERPRETER_GIL_SUPPORTED: *mut c_void = ptr::without_provenance_mut(2);

/// PyModuleDef, whose first four fields are PyModuleDef_Base.
#[repr(C)]
struct ModuleDef {
    head: Object,
    init: *mut c_void,
    index: isize,
    copy: Ptr,
    name: *const c_char,
    doc: *const c_char,
    size: isize,
    methods: *mut MethodDef,
    slots: *mut Slot,
    traverse: *mut c_void,
    clear: *mut c_void,
    free: *mut c_void,
}

/// PyInterpreterConfig, unchanged since 3.12.
#[repr(C)]
struct InterpreterConfig {
    use_main_obmalloc: c_int,
    allow_fork: c_int,
    allow_exec: c_int,
    allow_threads: c_int,
    allow_daemon_threads: c_int,
    check_multi_interp_extensions: c_int,
    gil: c_int,
}
const SHARED_GIL: c_int = 1;
const OWN_GIL: c_int = 2;

/// PyStatus.
#[repr(C)]
struct Status {
    kind: c_int,
    function: *const c_char,
    message: *const c_char,
    exit_code: c_int,
}

/// PyMemAllocatorEx.
#[repr(C)]
struct Allocator {
    context: *mut c_void,
    malloc: unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void,
    calloc: unsafe extern "C" fn(*mut c_void, usize, usize) -> *mut c_void,
    realloc: unsafe extern "C" fn(*mut c_void, *mut c_void, usize) -> *mut c_void,
    free: unsafe extern "C" fn(*mut c_void, *mut c_void),
}
const RAW_DOMAIN: c_int = 0;

/// PyObjectArenaAllocator.
#[repr(C)]
struct ArenaAllocator {
    context: *mut c_void,
    alloc: unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void,
    free: unsafe extern "C" fn(*mut c_void, *mut c_void, usize),
}

type Init = unsafe extern "C" fn() -> Ptr;

/// Declares the table, and how it is filled: each name is the C API's own and is what `dlsym` is asked for.
macro_rules! table {
    (
        required { $( fn $name:ident($($argument:ty),*) $(-> $result:ty)?; )* }
        optional { $( fn $maybe:ident($($maybe_argument:ty),*) $(-> $maybe_result:ty)?; )* }
        data { $( $datum:ident )* }
    ) => {
        /// The C API of the one libpython of this process.
        #[allow(non_snake_case)]
        struct Api {
            $( $name: unsafe extern "C" fn($($argument),*) $(-> $result)?, )*
            $( $maybe: Option<unsafe extern "C" fn($($maybe_argument),*) $(-> $maybe_result)?>, )*
            $( $datum: *mut c_void, )*
        }

        impl Api {
            /// Finds all of it, or names what is missing.
            fn resolve(library: &Library) -> Result<Api, &'static str> {
                Ok(Api {
                    $( $name: {
                        let found = library.symbol(concat!(stringify!($name), "\0")).ok_or(stringify!($name))?;
                        // SAFETY: the stable ABI promises this signature for this name.
                        unsafe { transmute::<*mut c_void, unsafe extern "C" fn($($argument),*) $(-> $result)?>(found) }
                    }, )*
                    $( $maybe: library.symbol(concat!(stringify!($maybe), "\0")).map(|found| {
                        // SAFETY: the signature is that of every version that has this name.
                        unsafe { transmute::<*mut c_void, unsafe extern "C" fn($($maybe_argument),*) $(-> $maybe_result)?>(found) }
                    }), )*
                    $( $datum: library.symbol(concat!(stringify!($datum), "\0")).ok_or(stringify!($datum))?, )*
                })
            }
        }
    };
}

table! {
    required {
        fn Py_IsInitialized() -> c_int;
        fn Py_SetProgramName(*const libc::wchar_t);
        fn Py_InitializeEx(c_int);
        fn PyImport_AppendInittab(*const c_char, Init) -> c_int;
        fn PyEval_SaveThread() -> State;
        fn PyEval_RestoreThread(State);
        fn PyThreadState_New(*mut InterpreterState) -> State;
        fn PyThreadState_Clear(State);
        fn PyThreadState_Delete(State);
        fn PyThreadState_Swap(State) -> State;
        fn PyThreadState_SetAsyncExc(c_ulong, Ptr) -> c_int;
        fn PyInterpreterState_Get() -> *mut InterpreterState;
        fn Py_NewInterpreter() -> State;
        fn Py_EndInterpreter(State);
        fn Py_IncRef(Ptr);
        fn Py_DecRef(Ptr);
        fn PyErr_SetObject(Ptr, Ptr);
        fn PyErr_Occurred() -> Ptr;
        fn PyErr_ExceptionMatches(Ptr) -> c_int;
        fn PyErr_Clear();
        fn PyErr_Fetch(*mut Ptr, *mut Ptr, *mut Ptr);
        fn PyErr_NormalizeException(*mut Ptr, *mut Ptr, *mut Ptr);
        fn PyException_SetTraceback(Ptr, Ptr) -> c_int;
        fn PyObject_ASCII(Ptr) -> Ptr;
        fn PyObject_GetAttrString(Ptr, *const c_char) -> Ptr;
        fn PyObject_CallObject(Ptr, Ptr) -> Ptr;
        fn PyObject_GetIter(Ptr) -> Ptr;
        fn PyIter_Next(Ptr) -> Ptr;
        fn PyImport_ImportModule(*const c_char) -> Ptr;
        fn PySys_GetObject(*const c_char) -> Ptr;
        fn Py_CompileString(*const c_char, *const c_char, c_int) -> Ptr;
        fn PyEval_EvalCode(Ptr, Ptr, Ptr) -> Ptr;
        fn PyList_New(isize) -> Ptr;
        fn PyList_Size(Ptr) -> isize;
        fn PyList_GetItem(Ptr, isize) -> Ptr;
        fn PyList_SetItem(Ptr, isize, Ptr) -> c_int;
        fn PyList_Insert(Ptr, isize, Ptr) -> c_int;
        fn PyTuple_New(isize) -> Ptr;
        fn PyTuple_Size(Ptr) -> isize;
        fn PyTuple_GetItem(Ptr, isize) -> Ptr;
        fn PyTuple_SetItem(Ptr, isize, Ptr) -> c_int;
        fn PyDict_New() -> Ptr;
        fn PyDict_Copy(Ptr) -> Ptr;
        fn PyDict_SetItem(Ptr, Ptr, Ptr) -> c_int;
        fn PyDict_Next(Ptr, *mut isize, *mut Ptr, *mut Ptr) -> c_int;
        fn PySet_New(Ptr) -> Ptr;
        fn PySet_Add(Ptr, Ptr) -> c_int;
        fn PyLong_FromLongLong(c_longlong) -> Ptr;
        fn PyLong_FromString(*const c_char, *mut *mut c_char, c_int) -> Ptr;
        fn PyLong_AsLongLongAndOverflow(Ptr, *mut c_int) -> c_longlong;
        fn PyLong_AsUnsignedLong(Ptr) -> c_ulong;
        fn PyLong_AsLong(Ptr) -> c_long;
        fn PyNumber_ToBase(Ptr, c_int) -> Ptr;
        fn PyFloat_FromDouble(f64) -> Ptr;
        fn PyFloat_AsDouble(Ptr) -> f64;
        fn PyBytes_FromStringAndSize(*const c_char, isize) -> Ptr;
        fn PyBytes_AsStringAndSize(Ptr, *mut *mut c_char, *mut isize) -> c_int;
        fn PyBytes_FromObject(Ptr) -> Ptr;
        fn PyByteArray_FromStringAndSize(*const c_char, isize) -> Ptr;
        fn PyByteArray_AsString(Ptr) -> *mut c_char;
        fn PyByteArray_Size(Ptr) -> isize;
        fn PyUnicode_FromStringAndSize(*const c_char, isize) -> Ptr;
        fn PyUnicode_InternFromString(*const c_char) -> Ptr;
        fn PyUnicode_AsUTF8AndSize(Ptr, *mut isize) -> *const c_char;
        fn PyUnicode_DecodeFSDefaultAndSize(*const c_char, isize) -> Ptr;
        fn PyType_GetFlags(Ptr) -> c_ulong;
        fn PyType_GetQualName(Ptr) -> Ptr;
        fn PyType_IsSubtype(Ptr, Ptr) -> c_int;
        fn PyModuleDef_Init(*mut ModuleDef) -> Ptr;
        fn PyModule_AddObjectRef(Ptr, *const c_char, Ptr) -> c_int;
        fn PyCFunction_NewEx(*mut MethodDef, Ptr, Ptr) -> Ptr;
        fn PyGC_Disable() -> c_int;
        fn PyGC_Enable() -> c_int;
    }
    optional {
        fn Py_NewInterpreterFromConfig(*mut State, *const InterpreterConfig) -> Status;
        fn PyInterpreterState_ThreadHead(*mut InterpreterState) -> State;
        fn PyThreadState_Next(State) -> State;
        fn PyThreadState_GetUnchecked() -> State;
        fn _PyThreadState_UncheckedGet() -> State;
        fn PyMem_SetAllocator(c_int, *mut Allocator);
        fn PyObject_SetArenaAllocator(*mut ArenaAllocator);
    }
    data {
        _Py_NoneStruct _Py_TrueStruct _Py_FalseStruct
        PyFloat_Type PyByteArray_Type PyMemoryView_Type PySet_Type PyFrozenSet_Type
        PyExc_ValueError PyExc_TypeError PyExc_RuntimeError
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Opening a library
// ---------------------------------------------------------------------------------------------------------------------

/// A library opened by `dlopen`.
struct Library {
    handle: NonNull<c_void>,
}

impl Library {
    /// Opens it so that extension modules, which do not name libpython as a dependency, find its symbols.
    fn open(path: &Path) -> Result<Library, String> {
        let name = CString::new(path.as_os_str().as_bytes())
            .map_err(|_| "its name holds a NUL".to_owned())?;
        // SAFETY: a C string; the library's own initialisers are trusted as any named library's must be.
        let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
        NonNull::new(handle)
            .map(|handle| Library { handle })
            .ok_or_else(|| {
                // SAFETY: dlopen failed on this thread just now, so there is a text; it is copied at once.
                let text = unsafe { libc::dlerror() };
                if text.is_null() {
                    return "no reason given".to_owned();
                }
                // SAFETY: dlerror gives a C string that lives until the next call on this thread.
                unsafe { CStr::from_ptr(text) }
                    .to_string_lossy()
                    .into_owned()
            })
    }

    /// `name` ends with a NUL.
    fn symbol(&self, name: &'static str) -> Option<*mut c_void> {
        debug_assert!(name.ends_with('\0'));
        // SAFETY: an open handle and a string that ends with a NUL.
        let found = unsafe { libc::dlsym(self.handle.as_ptr(), name.as_ptr().cast()) };
        (!found.is_null()).then_some(found)
    }

    /// What `Py_GetVersion` says, which may be asked before Python is initialized.
    fn version(&self) -> Option<String> {
        let found = self.symbol("Py_GetVersion\0")?;
        // SAFETY: every version of CPython has had this signature.
        let ask =
            unsafe { transmute::<*mut c_void, unsafe extern "C" fn() -> *const c_char>(found) };
        // SAFETY: the result is a static C string.
        Some(
            unsafe { CStr::from_ptr(ask()) }
                .to_string_lossy()
                .into_owned(),
        )
    }
}

impl Drop for Library {
    /// Only a library that is refused is closed; the one that is used is kept for ever.
    fn drop(&mut self) {
        // SAFETY: the handle is open, and nothing that was found in it is used any more.
        unsafe { libc::dlclose(self.handle.as_ptr()) };
    }
}

/// A libpython that was found good, not yet started.
pub(crate) struct Opened {
    api: Api,
    pub(crate) version: String,
    pub(crate) minor: u32,
}

/// Opens the library and finds everything in it.
pub(crate) fn open(path: &Path, minor_of: fn(&str) -> Option<u32>) -> Result<Opened, StartError> {
    let libpython = path.to_owned();
    let library = match Library::open(path) {
        Ok(library) => library,
        Err(reason) => return Err(StartError::Open { libpython, reason }),
    };
    let Some(version) = library.version() else {
        return Err(StartError::NotPython {
            libpython,
            symbol: "Py_GetVersion".to_owned(),
        });
    };
    let Some(minor) = minor_of(&version) else {
        return Err(StartError::Unsupported { libpython, version });
    };
    let api = match Api::resolve(&library) {
        Ok(api) => api,
        Err(symbol) => {
            return Err(StartError::NotPython {
                libpython,
                symbol: symbol.to_owned(),
            });
        }
    };
    // SAFETY: may be called at any time.
    if unsafe { (api.Py_IsInitialized)() } != 0 {
        return Err(StartError::Running);
    }
    std::mem::forget(library);
    Ok(Opened {
        api,
        version,
        minor,
    })
}

// ---------------------------------------------------------------------------------------------------------------------
// The process's one runtime
// ---------------------------------------------------------------------------------------------------------------------

/// What there is once in the process, as CPython itself.
pub(crate) struct Runtime {
    api: Api,
    minor: u32,
    settings: Settings,
    functions: &'static [Function],
    /// The functions, then `interrupt`. Never changed; CPython wants them by address.
    methods: Vec<MethodDef>,
    definition: *mut ModuleDef,
    main: AtomicPtr<InterpreterState>,
}

// SAFETY: the raw pointers are to leaked or static memory that is not written by Rust after start; `definition` is given
// to CPython only, which guards its writes to module definitions.
unsafe impl Send for Runtime {}
// SAFETY: as above.
unsafe impl Sync for Runtime {}

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// Starts CPython with the host module built in, and releases the GIL. Called once in a process.
pub(crate) fn initialize(
    opened: Opened,
    settings: Settings,
    functions: &'static [Function],
) -> Result<&'static Runtime, StartError> {
    let Opened { api, minor, .. } = opened;
    let methods = methods(functions);
    let definition = module_definition(&settings, minor);
    let main = AtomicPtr::new(null_mut());
    let runtime = Runtime {
        api,
        minor,
        settings,
        functions,
        methods,
        definition,
        main,
    };
    if RUNTIME.set(runtime).is_err() {
        return Err(StartError::Running);
    }
    let runtime = RUNTIME.get().ok_or(StartError::Running)?;
    runtime.start_interpreter()?;
    let gil = Gil {
        runtime,
        here: PhantomData,
    };
    // threading takes the thread that imports it first for the main thread: that is this one, not some worker.
    let prepared = gil
        .import(c"threading")
        .map(drop)
        .and_then(|()| gil.add_import_paths());
    let failure = prepared.err().map(|Raised| gil.take_traceback());
    // SAFETY: the GIL is held; this thread's state is kept by CPython and never needed again.
    unsafe { (runtime.api.PyEval_SaveThread)() };
    match failure {
        Some(text) => Err(StartError::Failed(text)),
        None => Ok(runtime),
    }
}

impl Runtime {
    pub(crate) fn has_own_gil(&self) -> bool {
        self.minor >= 12 && self.api.Py_NewInterpreterFromConfig.is_some()
    }

    pub(crate) fn on_failure(&self) -> fn(&str) {
        self.settings.on_failure
    }

    /// The GIL is held afterwards.
    fn start_interpreter(&'static self) -> Result<(), StartError> {
        if self.settings.count_memory {
            self.count_memory();
        }
        let api = &self.api;
        let name = self.settings.host_module;
        // SAFETY: before Py_InitializeEx; the name is static.
        if unsafe { (api.PyImport_AppendInittab)(name.as_ptr(), module_init) } != 0 {
            return Err(StartError::Failed(
                "no memory for the host module's entry".to_owned(),
            ));
        }
        let program = Box::leak(wide(&self.settings.program));
        // SAFETY: before Py_InitializeEx; CPython may keep the text, which is leaked.
        unsafe { (api.Py_SetProgramName)(program.as_ptr()) };
        // SAFETY: called once. 0: the host's signal handlers stay. Afterwards this thread holds the GIL.
        unsafe { (api.Py_InitializeEx)(0) };
        // SAFETY: the GIL is held.
        let main = unsafe { (api.PyInterpreterState_Get)() };
        self.main.store(main, Ordering::Release);
        Ok(())
    }

    /// Counts what Python takes from the system. A libpython without these hooks is not counted.
    fn count_memory(&self) {
        let (Some(set_raw), Some(set_arena)) = (
            self.api.PyMem_SetAllocator,
            self.api.PyObject_SetArenaAllocator,
        ) else {
            return;
        };
        let mut raw = Allocator {
            context: null_mut(),
            malloc: raw_malloc,
            calloc: raw_calloc,
            realloc: raw_realloc,
            free: raw_free,
        };
        let mut arena = ArenaAllocator {
            context: null_mut(),
            alloc: arena_alloc,
            free: arena_free,
        };
        // SAFETY: before Py_InitializeEx; the structs are copied; the functions keep the contracts of the domains. What
        // was taken before came from malloc, as what is taken after: either may be freed by the other.
        unsafe {
            set_raw(RAW_DOMAIN, &mut raw);
            set_arena(&mut arena);
        }
    }
}

/// The path as wchar_t, bytes that are no UTF-8 as surrogates, which is how Python decodes file names.
fn wide(path: &Path) -> Box<[libc::wchar_t]> {
    let mut text = Vec::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        text.extend(chunk.valid().chars().map(|c| c as libc::wchar_t));
        text.extend(
            chunk
                .invalid()
                .iter()
                .map(|byte| 0xDC00 + libc::wchar_t::from(*byte)),
        );
    }
    text.push(0);
    text.into_boxed_slice()
}

// ---------------------------------------------------------------------------------------------------------------------
// Thread states and the GIL
// ---------------------------------------------------------------------------------------------------------------------

/// Proof that this OS thread has a current thread state and its interpreter's lock.
#[derive(Clone, Copy)]
pub(crate) struct Gil<'py> {
    runtime: &'static Runtime,
    here: PhantomData<(&'py (), *mut ())>,
}

/// A thread state of the main interpreter that is current while this lives.
pub(crate) struct Attached {
    runtime: &'static Runtime,
    state: State,
}

impl Runtime {
    /// Waits for the GIL of the main interpreter. Called on threads of our own only, once on each: before 3.12 a thread
    /// that has two states is known to PyGILState_Ensure by the first, and an extension module that calls it while the
    /// second is current waits for itself for ever.
    pub(crate) fn attach(&'static self) -> Attached {
        // SAFETY: needs no GIL; the main interpreter lives for ever.
        let state = unsafe { (self.api.PyThreadState_New)(self.main.load(Ordering::Acquire)) };
        // SAFETY: a new state, of this thread; none is current on it (callers hold no Gil: host functions run without).
        unsafe { (self.api.PyEval_RestoreThread)(state) };
        Attached {
            runtime: self,
            state,
        }
    }
}

impl Attached {
    pub(crate) fn gil(&self) -> Gil<'_> {
        Gil {
            runtime: self.runtime,
            here: PhantomData,
        }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let api = &self.runtime.api;
        // SAFETY: the state is current; after SaveThread it is not, and nothing else knows of it.
        unsafe {
            (api.PyThreadState_Clear)(self.state);
            (api.PyEval_SaveThread)();
            (api.PyThreadState_Delete)(self.state);
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// References
// ---------------------------------------------------------------------------------------------------------------------

/// An exception is set in the current thread state.
#[derive(Debug)]
pub(crate) struct Raised;

/// One owned reference.
pub(crate) struct Ref<'py> {
    pointer: NonNull<Object>,
    gil: Gil<'py>,
}

impl Ref<'_> {
    fn pointer(&self) -> Ptr {
        self.pointer.as_ptr()
    }

    /// Hands the reference to C.
    fn give(self) -> Ptr {
        ManuallyDrop::new(self).pointer()
    }
}

impl Clone for Ref<'_> {
    fn clone(&self) -> Self {
        // SAFETY: a live object, and the GIL is held.
        unsafe { (self.gil.api().Py_IncRef)(self.pointer()) };
        Ref {
            pointer: self.pointer,
            gil: self.gil,
        }
    }
}

impl Drop for Ref<'_> {
    fn drop(&mut self) {
        // SAFETY: the reference is owned, and the GIL is held.
        unsafe { (self.gil.api().Py_DecRef)(self.pointer()) };
    }
}

impl<'py> Gil<'py> {
    fn api(self) -> &'static Api {
        &self.runtime.api
    }

    /// Owns a new reference; null means that an exception is set.
    fn owned(self, pointer: Ptr) -> Result<Ref<'py>, Raised> {
        NonNull::new(pointer)
            .map(|pointer| Ref { pointer, gil: self })
            .ok_or(Raised)
    }

    /// Makes a borrowed reference an owned one.
    ///
    /// # Safety
    /// `pointer` is a live object.
    unsafe fn borrowed(self, pointer: NonNull<Object>) -> Ref<'py> {
        // SAFETY: live, says the caller.
        unsafe { (self.api().Py_IncRef)(pointer.as_ptr()) };
        Ref { pointer, gil: self }
    }

    /// A static object of libpython.
    fn constant(self, address: *mut c_void) -> Ref<'py> {
        // SAFETY: dlsym found it, so it is not null; such objects live for ever.
        unsafe { self.borrowed(NonNull::new_unchecked(address.cast())) }
    }

    fn done(self, result: c_int) -> Result<(), Raised> {
        if result == 0 { Ok(()) } else { Err(Raised) }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Making objects
// ---------------------------------------------------------------------------------------------------------------------

impl<'py> Gil<'py> {
    pub(crate) fn none(self) -> Ref<'py> {
        self.constant(self.api()._Py_NoneStruct)
    }

    pub(crate) fn bool(self, value: bool) -> Ref<'py> {
        self.constant(if value {
            self.api()._Py_TrueStruct
        } else {
            self.api()._Py_FalseStruct
        })
    }

    pub(crate) fn int(self, value: i64) -> Result<Ref<'py>, Raised> {
        // SAFETY: the GIL is held.
        self.owned(unsafe { (self.api().PyLong_FromLongLong)(value) })
    }

    pub(crate) fn int_from_decimal(self, digits: &CStr) -> Result<Ref<'py>, Raised> {
        // SAFETY: a C string; the end is not asked for, so all of it must be digits.
        self.owned(unsafe { (self.api().PyLong_FromString)(digits.as_ptr(), null_mut(), 10) })
    }

    pub(crate) fn float(self, value: f64) -> Result<Ref<'py>, Raised> {
        // SAFETY: the GIL is held.
        self.owned(unsafe { (self.api().PyFloat_FromDouble)(value) })
    }

    pub(crate) fn bytes(self, bytes: &[u8]) -> Result<Ref<'py>, Raised> {
        // SAFETY: a slice is at most isize::MAX long; it is copied.
        self.owned(unsafe {
            (self.api().PyBytes_FromStringAndSize)(bytes.as_ptr().cast(), bytes.len() as isize)
        })
    }

    pub(crate) fn bytearray(self, bytes: &[u8]) -> Result<Ref<'py>, Raised> {
        // SAFETY: as for bytes.
        self.owned(unsafe {
            (self.api().PyByteArray_FromStringAndSize)(bytes.as_ptr().cast(), bytes.len() as isize)
        })
    }

    pub(crate) fn text(self, text: &str) -> Result<Ref<'py>, Raised> {
        self.decoded(text.as_bytes())
    }

    /// A str of UTF-8 (UnicodeDecodeError if it is none).
    pub(crate) fn decoded(self, utf8: &[u8]) -> Result<Ref<'py>, Raised> {
        // SAFETY: as for bytes.
        self.owned(unsafe {
            (self.api().PyUnicode_FromStringAndSize)(utf8.as_ptr().cast(), utf8.len() as isize)
        })
    }

    /// The one str of this text that Python code uses for its literals: a dict finds it by its address.
    pub(crate) fn interned(self, text: &CStr) -> Result<Ref<'py>, Raised> {
        // SAFETY: a C string, copied if need be.
        self.owned(unsafe { (self.api().PyUnicode_InternFromString)(text.as_ptr()) })
    }

    pub(crate) fn file_name(self, path: &Path) -> Result<Ref<'py>, Raised> {
        let bytes = path.as_os_str().as_bytes();
        // SAFETY: as for bytes.
        self.owned(unsafe {
            (self.api().PyUnicode_DecodeFSDefaultAndSize)(
                bytes.as_ptr().cast(),
                bytes.len() as isize,
            )
        })
    }

    /// A list whose items are made one after the other.
    pub(crate) fn list(
        self,
        length: usize,
        mut item: impl FnMut(usize) -> Result<Ref<'py>, Raised>,
    ) -> Result<Ref<'py>, Raised> {
        // SAFETY: the GIL is held. Items that are not set yet are null, which lists allow while they are built.
        let list = self.owned(unsafe { (self.api().PyList_New)(length as isize) })?;
        for i in 0..length {
            let item = item(i)?.give();
            // SAFETY: takes over the reference, also when it fails.
            self.done(unsafe { (self.api().PyList_SetItem)(list.pointer(), i as isize, item) })?;
        }
        Ok(list)
    }

    /// A tuple whose items are made one after the other.
    pub(crate) fn tuple(
        self,
        length: usize,
        mut item: impl FnMut(usize) -> Result<Ref<'py>, Raised>,
    ) -> Result<Ref<'py>, Raised> {
        // SAFETY: as for lists.
        let tuple = self.owned(unsafe { (self.api().PyTuple_New)(length as isize) })?;
        for i in 0..length {
            let item = item(i)?.give();
            // SAFETY: as for lists; nobody else has a reference to the tuple.
            self.done(unsafe { (self.api().PyTuple_SetItem)(tuple.pointer(), i as isize, item) })?;
        }
        Ok(tuple)
    }

    pub(crate) fn dict(self) -> Result<Ref<'py>, Raised> {
        // SAFETY: the GIL is held.
        self.owned(unsafe { (self.api().PyDict_New)() })
    }

    pub(crate) fn copy_of_dict(self, dict: &Ref<'py>) -> Result<Ref<'py>, Raised> {
        // SAFETY: a live object, whose type is checked.
        self.owned(unsafe { (self.api().PyDict_Copy)(dict.pointer()) })
    }

    pub(crate) fn set_item(
        self,
        dict: &Ref<'py>,
        key: &Ref<'py>,
        value: &Ref<'py>,
    ) -> Result<(), Raised> {
        // SAFETY: live objects; the dict's type is checked.
        self.done(unsafe {
            (self.api().PyDict_SetItem)(dict.pointer(), key.pointer(), value.pointer())
        })
    }

    pub(crate) fn set(self) -> Result<Ref<'py>, Raised> {
        // SAFETY: null: an empty one.
        self.owned(unsafe { (self.api().PySet_New)(null_mut()) })
    }

    pub(crate) fn add(self, set: &Ref<'py>, element: &Ref<'py>) -> Result<(), Raised> {
        // SAFETY: live objects; the set's type is checked.
        self.done(unsafe { (self.api().PySet_Add)(set.pointer(), element.pointer()) })
    }

    /// No garbage collection until the guard is dropped: what is being built has no garbage in it.
    pub(crate) fn without_collection(self) -> NoCollection<'py> {
        // SAFETY: the GIL is held.
        let was_enabled = unsafe { (self.api().PyGC_Disable)() } == 1;
        NoCollection {
            gil: self,
            was_enabled,
        }
    }
}

/// See [`Gil::without_collection`].
pub(crate) struct NoCollection<'py> {
    gil: Gil<'py>,
    was_enabled: bool,
}

impl Drop for NoCollection<'_> {
    fn drop(&mut self) {
        if self.was_enabled {
            // SAFETY: the GIL is held.
            unsafe { (self.gil.api().PyGC_Enable)() };
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Reading objects
// ---------------------------------------------------------------------------------------------------------------------

/// What an object is, of what can be handed to the host.
pub(crate) enum Kind {
    None,
    Bool(bool),
    Int,
    Float,
    Bytes,
    ByteArray,
    MemoryView,
    Text,
    List,
    Tuple,
    Dict,
    Set,
    Other,
}

// Bits of a type's flags that say what it is a subclass of.
const INT_FLAG: c_ulong = 1 << 24;
const LIST_FLAG: c_ulong = 1 << 25;
const TUPLE_FLAG: c_ulong = 1 << 26;
const BYTES_FLAG: c_ulong = 1 << 27;
const TEXT_FLAG: c_ulong = 1 << 28;
const DICT_FLAG: c_ulong = 1 << 29;
const EXCEPTION_FLAG: c_ulong = 1 << 30;
const TYPE_FLAG: c_ulong = 1 << 31;

impl<'py> Gil<'py> {
    pub(crate) fn kind(self, object: &Ref<'_>) -> Kind {
        let api = self.api();
        let address = object.pointer().cast::<c_void>();
        if address == api._Py_NoneStruct {
            return Kind::None;
        }
        if address == api._Py_TrueStruct || address == api._Py_FalseStruct {
            return Kind::Bool(address == api._Py_TrueStruct);
        }
        match self.flags(object) {
            flags if flags & TEXT_FLAG != 0 => Kind::Text,
            flags if flags & INT_FLAG != 0 => Kind::Int,
            flags if flags & BYTES_FLAG != 0 => Kind::Bytes,
            flags if flags & DICT_FLAG != 0 => Kind::Dict,
            flags if flags & LIST_FLAG != 0 => Kind::List,
            flags if flags & TUPLE_FLAG != 0 => Kind::Tuple,
            _ if self.is_instance(object, api.PyFloat_Type) => Kind::Float,
            _ if self.is_instance(object, api.PySet_Type) => Kind::Set,
            _ if self.is_instance(object, api.PyFrozenSet_Type) => Kind::Set,
            _ if self.is_instance(object, api.PyByteArray_Type) => Kind::ByteArray,
            _ if self.is_instance(object, api.PyMemoryView_Type) => Kind::MemoryView,
            _ => Kind::Other,
        }
    }

    fn type_of(self, object: &Ref<'_>) -> Ptr {
        // SAFETY: a live object's head.
        unsafe { (*object.pointer()).kind }
    }

    fn flags(self, object: &Ref<'_>) -> c_ulong {
        // SAFETY: a live object's type.
        unsafe { (self.api().PyType_GetFlags)(self.type_of(object)) }
    }

    fn is_instance(self, object: &Ref<'_>, class: *mut c_void) -> bool {
        // SAFETY: two live types.
        unsafe { (self.api().PyType_IsSubtype)(self.type_of(object), class.cast()) != 0 }
    }

    fn is_exception_class(self, object: &Ref<'_>) -> bool {
        if self.flags(object) & TYPE_FLAG == 0 {
            return false;
        }
        // SAFETY: it is a type, as its own type's flags say.
        unsafe { (self.api().PyType_GetFlags)(object.pointer()) & EXCEPTION_FLAG != 0 }
    }

    /// None when it does not fit 64 bits.
    pub(crate) fn int_of(self, object: &Ref<'_>) -> Result<Option<i64>, Raised> {
        let mut overflow = 0;
        // SAFETY: a live object.
        let value =
            unsafe { (self.api().PyLong_AsLongLongAndOverflow)(object.pointer(), &mut overflow) };
        if overflow != 0 {
            return Ok(None);
        }
        if value == -1 {
            self.unless_raised(Some(value))
        } else {
            Ok(Some(value))
        }
    }

    /// An int as str.
    pub(crate) fn decimal_of(self, object: &Ref<'_>) -> Result<Ref<'py>, Raised> {
        // SAFETY: a live object.
        self.owned(unsafe { (self.api().PyNumber_ToBase)(object.pointer(), 10) })
    }

    pub(crate) fn float_of(self, object: &Ref<'_>) -> Result<f64, Raised> {
        // SAFETY: a live object.
        let value = unsafe { (self.api().PyFloat_AsDouble)(object.pointer()) };
        if value == -1.0 {
            self.unless_raised(value)
        } else {
            Ok(value)
        }
    }

    pub(crate) fn bytes_of(self, object: &Ref<'_>) -> Result<Vec<u8>, Raised> {
        let (mut start, mut length) = (null_mut(), 0);
        // SAFETY: a live object, whose type is checked.
        self.done(unsafe {
            (self.api().PyBytes_AsStringAndSize)(object.pointer(), &mut start, &mut length)
        })?;
        // SAFETY: the object's own bytes, copied at once.
        Ok(unsafe { copied(start, length) })
    }

    /// bytes of anything with a buffer.
    pub(crate) fn bytes_from(self, object: &Ref<'_>) -> Result<Ref<'py>, Raised> {
        // SAFETY: a live object.
        self.owned(unsafe { (self.api().PyBytes_FromObject)(object.pointer()) })
    }

    /// `object` is a bytearray: nothing checks it.
    pub(crate) fn bytearray_of(self, object: &Ref<'_>) -> Result<Vec<u8>, Raised> {
        if !self.is_instance(object, self.api().PyByteArray_Type) {
            return Err(self.type_error("not a bytearray"));
        }
        // SAFETY: a live bytearray; its bytes are copied before any Python code can run.
        Ok(unsafe {
            let start = (self.api().PyByteArray_AsString)(object.pointer());
            copied(start, (self.api().PyByteArray_Size)(object.pointer()))
        })
    }

    /// A str's text; UnicodeEncodeError, which is a ValueError, if it has lone surrogates.
    pub(crate) fn text_of(self, object: &Ref<'_>) -> Result<String, Raised> {
        let mut length = 0;
        // SAFETY: a live object, whose type is checked.
        let start = unsafe { (self.api().PyUnicode_AsUTF8AndSize)(object.pointer(), &mut length) };
        if start.is_null() {
            return Err(Raised);
        }
        // SAFETY: the object's own UTF-8, copied at once; CPython promises that it is UTF-8.
        Ok(unsafe { String::from_utf8_unchecked(copied(start, length)) })
    }

    /// The items of a list, which may change meanwhile; of what is no list, none.
    pub(crate) fn list_items<'a>(
        self,
        list: &'a Ref<'py>,
    ) -> impl Iterator<Item = Ref<'py>> + use<'a, 'py> {
        (0..).map_while(move |i| {
            // SAFETY: a live object, whose type is checked.
            let more = i < unsafe { (self.api().PyList_Size)(list.pointer()) };
            // SAFETY: the index is in range.
            more.then(|| unsafe { (self.api().PyList_GetItem)(list.pointer(), i) })
                .and_then(NonNull::new)
                // SAFETY: borrowed from the list just now.
                .map(|item| unsafe { self.borrowed(item) })
        })
    }

    /// The items of a tuple.
    pub(crate) fn tuple_items<'a>(
        self,
        tuple: &'a Ref<'py>,
    ) -> impl Iterator<Item = Ref<'py>> + use<'a, 'py> {
        // SAFETY: a live object, whose type is checked.
        let length = unsafe { (self.api().PyTuple_Size)(tuple.pointer()) };
        (0..length).filter_map(move |i| {
            // SAFETY: the index is in range; tuples do not change.
            NonNull::new(unsafe { (self.api().PyTuple_GetItem)(tuple.pointer(), i) })
                // SAFETY: borrowed from the tuple just now.
                .map(|item| unsafe { self.borrowed(item) })
        })
    }

    /// The items of a dict; of what is no dict, none.
    pub(crate) fn dict_items<'a>(
        self,
        dict: &'a Ref<'py>,
    ) -> impl Iterator<Item = (Ref<'py>, Ref<'py>)> + use<'a, 'py> {
        let mut position = 0;
        std::iter::from_fn(move || {
            let (mut key, mut value) = (null_mut(), null_mut());
            // SAFETY: a live object, whose type is checked; the position is the one it gave last.
            let more = unsafe {
                (self.api().PyDict_Next)(dict.pointer(), &mut position, &mut key, &mut value)
            };
            if more == 0 {
                return None;
            }
            // SAFETY: borrowed from the dict just now.
            Some(unsafe {
                (
                    self.borrowed(NonNull::new(key)?),
                    self.borrowed(NonNull::new(value)?),
                )
            })
        })
    }

    pub(crate) fn iterator(self, object: &Ref<'_>) -> Result<Ref<'py>, Raised> {
        // SAFETY: a live object.
        self.owned(unsafe { (self.api().PyObject_GetIter)(object.pointer()) })
    }

    pub(crate) fn next(self, iterator: &Ref<'py>) -> Result<Option<Ref<'py>>, Raised> {
        // SAFETY: a live iterator, as GetIter promises.
        match NonNull::new(unsafe { (self.api().PyIter_Next)(iterator.pointer()) }) {
            Some(pointer) => Ok(Some(Ref { pointer, gil: self })),
            None => self.unless_raised(None),
        }
    }

    /// What an object is, for messages: its type's name and how it prints, cut to what a message can hold.
    pub(crate) fn describe(self, object: &Ref<'_>) -> String {
        // SAFETY: a live type, and a live object.
        let name = self.owned(unsafe { (self.api().PyType_GetQualName)(self.type_of(object)) });
        let name = name.and_then(|name| self.text_of(&name));
        // SAFETY: a live object. Its __repr__ may fail: that is no reason to lose the message.
        let printed = self.owned(unsafe { (self.api().PyObject_ASCII)(object.pointer()) });
        let printed = printed.and_then(|printed| self.text_of(&printed));
        self.clear_error();
        let name = name.unwrap_or_else(|Raised| "an object".to_owned());
        match printed {
            Ok(text) if text.len() > 80 => format!("{name} {}...", &text[..77]), // ASCII: any cut is one of characters
            Ok(text) => format!("{name} {text}"),
            Err(Raised) => name,
        }
    }
}

/// # Safety
/// `length` bytes can be read at `start`.
unsafe fn copied(start: *const c_char, length: isize) -> Vec<u8> {
    if start.is_null() || length <= 0 {
        return Vec::new();
    }
    // SAFETY: says the caller.
    unsafe { std::slice::from_raw_parts(start.cast::<u8>(), length as usize) }.to_vec()
}

// ---------------------------------------------------------------------------------------------------------------------
// Errors
// ---------------------------------------------------------------------------------------------------------------------

impl<'py> Gil<'py> {
    pub(crate) fn value_error(self, message: &str) -> Raised {
        self.raise(self.api().PyExc_ValueError, message)
    }

    pub(crate) fn type_error(self, message: &str) -> Raised {
        self.raise(self.api().PyExc_TypeError, message)
    }

    pub(crate) fn runtime_error(self, message: &str) -> Raised {
        self.raise(self.api().PyExc_RuntimeError, message)
    }

    /// `class` is the address of one of the PyExc_ variables.
    fn raise(self, class: *mut c_void, message: &str) -> Raised {
        // A text for which there is no memory has set MemoryError, which then is the error.
        if let Ok(message) = self.text(message) {
            // SAFETY: the variable was filled by Py_InitializeEx; both objects are live.
            unsafe { (self.api().PyErr_SetObject)(*class.cast::<Ptr>(), message.pointer()) };
        }
        Raised
    }

    pub(crate) fn clear_error(self) {
        // SAFETY: the GIL is held.
        unsafe { (self.api().PyErr_Clear)() };
    }

    pub(crate) fn type_error_is_set(self) -> bool {
        self.is_set(self.api().PyExc_TypeError)
    }

    pub(crate) fn value_error_is_set(self) -> bool {
        self.is_set(self.api().PyExc_ValueError)
    }

    fn is_set(self, class: *mut c_void) -> bool {
        // SAFETY: the variable was filled by Py_InitializeEx; an error is set, or it answers no.
        unsafe {
            !(self.api().PyErr_Occurred)().is_null()
                && (self.api().PyErr_ExceptionMatches)(*class.cast()) != 0
        }
    }

    fn unless_raised<T>(self, value: T) -> Result<T, Raised> {
        // SAFETY: the GIL is held.
        if unsafe { (self.api().PyErr_Occurred)() }.is_null() {
            Ok(value)
        } else {
            Err(Raised)
        }
    }

    /// The traceback of the exception that is set, which is cleared.
    pub(crate) fn take_traceback(self) -> String {
        let Some(error) = self.take_error() else {
            return "an error without an exception".to_owned();
        };
        let formatted = self.format(&error);
        formatted.unwrap_or_else(|Raised| {
            self.clear_error();
            self.describe(&error)
        })
    }

    fn format(self, error: &Ref<'py>) -> Result<String, Raised> {
        let lines = self.call(c"traceback", c"format_exception", 1, |_| Ok(error.clone()))?;
        let mut text = String::new();
        for line in self.list_items(&lines) {
            text.push_str(&self.text_of(&line)?);
        }
        Ok(text)
    }

    fn take_error(self) -> Option<Ref<'py>> {
        let (mut class, mut value, mut traceback) = (null_mut(), null_mut(), null_mut());
        // SAFETY: three places; afterwards each holds an owned reference or null. PyErr_GetRaisedException came in 3.12.
        unsafe {
            (self.api().PyErr_Fetch)(&mut class, &mut value, &mut traceback);
            (self.api().PyErr_NormalizeException)(&mut class, &mut value, &mut traceback);
        }
        let (_class, value) = (self.owned(class), self.owned(value).ok()?);
        if let Ok(traceback) = self.owned(traceback) {
            // SAFETY: two live objects, whose types are checked.
            unsafe { (self.api().PyException_SetTraceback)(value.pointer(), traceback.pointer()) };
        }
        Some(value)
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Calling Python
// ---------------------------------------------------------------------------------------------------------------------

const WHOLE_FILE: c_int = 257; // Py_file_input

impl<'py> Gil<'py> {
    pub(crate) fn import(self, module: &CStr) -> Result<Ref<'py>, Raised> {
        // SAFETY: a C string.
        self.owned(unsafe { (self.api().PyImport_ImportModule)(module.as_ptr()) })
    }

    /// Imports the module and calls a function of it.
    pub(crate) fn call(
        self,
        module: &CStr,
        function: &CStr,
        count: usize,
        argument: impl FnMut(usize) -> Result<Ref<'py>, Raised>,
    ) -> Result<Ref<'py>, Raised> {
        let module = self.import(module)?;
        // SAFETY: a live object and a C string.
        let function = self.owned(unsafe {
            (self.api().PyObject_GetAttrString)(module.pointer(), function.as_ptr())
        })?;
        let arguments = self.tuple(count, argument)?;
        // SAFETY: two live objects, the second one a tuple.
        self.owned(unsafe {
            (self.api().PyObject_CallObject)(function.pointer(), arguments.pointer())
        })
    }

    /// Runs source code in a namespace of its own.
    fn execute(self, source: &CStr, name: &CStr) -> Result<(), Raised> {
        // SAFETY: two C strings.
        let code =
            unsafe { (self.api().Py_CompileString)(source.as_ptr(), name.as_ptr(), WHOLE_FILE) };
        let code = self.owned(code)?;
        let globals = self.dict()?;
        // SAFETY: a live code object and a live dict.
        let result = unsafe {
            (self.api().PyEval_EvalCode)(code.pointer(), globals.pointer(), globals.pointer())
        };
        self.owned(result).map(drop)
    }

    /// Puts the settings' import paths in front of `sys.path`.
    fn add_import_paths(self) -> Result<(), Raised> {
        // SAFETY: a C string; borrowed, or null without an exception.
        let path = NonNull::new(unsafe { (self.api().PySys_GetObject)(c"path".as_ptr()) });
        let Some(path) = path else {
            return Err(self.runtime_error("sys has no path"));
        };
        // SAFETY: borrowed just now.
        let path = unsafe { self.borrowed(path) };
        for (i, folder) in self.runtime.settings.import_paths.iter().enumerate() {
            let folder = self.file_name(folder)?;
            // SAFETY: live objects; the list's type is checked.
            self.done(unsafe {
                (self.api().PyList_Insert)(path.pointer(), i as isize, folder.pointer())
            })?;
        }
        Ok(())
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// The host module
// ---------------------------------------------------------------------------------------------------------------------

const INTERRUPT_DOC: &CStr = c"interrupt(thread_ident, exception_class, /)\n--\n\nRaise the exception in a thread of this \
interpreter, when it next runs Python code; None takes back what was not raised yet. False: there is no such thread.";

fn methods(functions: &[Function]) -> Vec<MethodDef> {
    let of = |name: &CStr, doc: &CStr, call: FastCall| MethodDef {
        name: name.as_ptr(),
        call,
        flags: METH_FASTCALL,
        doc: doc.as_ptr(),
    };
    let host = functions
        .iter()
        .map(|function| of(function.name, function.doc, call_function));
    host.chain([of(c"interrupt", INTERRUPT_DOC, interrupt)])
        .collect()
}

/// Multi-phase, so that every interpreter gets a module of its own; leaked, since CPython keeps its address.
fn module_definition(settings: &Settings, minor: u32) -> *mut ModuleDef {
    let mut slots = vec![Slot {
        slot: SLOT_EXEC,
        value: module_exec as *mut c_void,
    }];
    if minor >= 12 {
        // 3.11 refuses slots that it does not know.
        slots.push(Slot {
            slot: SLOT_MULTIPLE_INTERPRETERS,
            value: PER_INTERPRETER_GIL_SUPPORTED,
        });
    }
    slots.push(Slot {
        slot: 0,
        value: null_mut(),
    });
    Box::leak(Box::new(ModuleDef {
        head: Object {
            references: 1,
            kind: null_mut(),
        },
        init: null_mut(),
        index: 0,
        copy: null_mut(),
        name: settings.host_module.as_ptr(),
        doc: c"What the server that this Python runs in can do.".as_ptr(),
        size: 0,
        methods: null_mut(),
        slots: Box::leak(slots.into_boxed_slice()).as_mut_ptr(),
        traverse: null_mut(),
        clear: null_mut(),
        free: null_mut(),
    }))
}

unsafe extern "C" fn module_init() -> Ptr {
    match RUNTIME.get() {
        // SAFETY: called by Python's import, so the GIL is held; the definition is static.
        Some(runtime) => unsafe { (runtime.api.PyModuleDef_Init)(runtime.definition) },
        None => null_mut(),
    }
}

/// Gives a new module its functions, each with its index as `self`.
unsafe extern "C" fn module_exec(module: Ptr) -> c_int {
    let Some(runtime) = RUNTIME.get() else {
        return -1;
    };
    let gil = Gil {
        runtime,
        here: PhantomData,
    };
    for (index, method) in runtime.methods.iter().enumerate() {
        let Ok(index) = gil.int(index as i64) else {
            return -1;
        };
        // SAFETY: the method's definition is static and is only read; `self` is live.
        let function = unsafe {
            (runtime.api.PyCFunction_NewEx)(
                ptr::from_ref(method).cast_mut(),
                index.pointer(),
                null_mut(),
            )
        };
        let Ok(function) = gil.owned(function) else {
            return -1;
        };
        // SAFETY: the module is live as Python calls this with it; the name is a static C string.
        if unsafe { (runtime.api.PyModule_AddObjectRef)(module, method.name, function.pointer()) }
            != 0
        {
            return -1;
        }
    }
    0
}

/// Runs `body` as a function called by Python. No panic leaves it: unwinding through C is not defined.
///
/// # Safety
/// Called by CPython, with `count` live objects at `arguments`.
unsafe fn trampoline(
    arguments: *const Ptr,
    count: isize,
    body: impl for<'py> FnOnce(Gil<'py>, &[Ref<'py>]) -> Result<Ref<'py>, Raised>,
) -> Ptr {
    let Some(runtime) = RUNTIME.get() else {
        return null_mut();
    };
    let gil = Gil {
        runtime,
        here: PhantomData,
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let arguments: Vec<Ref<'_>> = (0..count as usize)
            // SAFETY: says the caller.
            .filter_map(|i| unsafe {
                NonNull::new(*arguments.add(i)).map(|argument| gil.borrowed(argument))
            })
            .collect();
        body(gil, &arguments).map(Ref::give)
    }));
    match outcome {
        Ok(Ok(result)) => result,
        Ok(Err(Raised)) => null_mut(),
        Err(panic) => {
            gil.runtime_error(&format!("the host failed: {}", panic_text(panic.as_ref())));
            null_mut()
        }
    }
}

unsafe extern "C" fn call_function(index: Ptr, arguments: *const Ptr, count: isize) -> Ptr {
    // SAFETY: CPython keeps the contract of METH_FASTCALL.
    unsafe {
        trampoline(arguments, count, |gil, arguments| {
            // SAFETY: `self` is the int that module_exec gave.
            let index = (gil.api().PyLong_AsLong)(index);
            let function = usize::try_from(index)
                .ok()
                .and_then(|index| gil.runtime.functions.get(index));
            match function {
                Some(function) => run_function(gil, function, arguments),
                None => Err(gil.runtime_error("a function of the host has lost its index")),
            }
        })
    }
}

fn run_function<'py>(
    gil: Gil<'py>,
    function: &Function,
    arguments: &[Ref<'py>],
) -> Result<Ref<'py>, Raised> {
    let values: Result<Vec<Value>, Raised> = arguments
        .iter()
        .map(|object| from_python::value(gil, object, 0))
        .collect();
    let values = values?;
    let run = function.run;
    let outcome = gil.released(|| catch_unwind(move || run(values)));
    match outcome {
        Ok(Ok(value)) => to_python::object(gil, &value, 0),
        Ok(Err(Failure::Value(message))) => Err(gil.value_error(&message)),
        Ok(Err(Failure::Runtime(message))) => Err(gil.runtime_error(&message)),
        Err(panic) => {
            let name = function.name.to_string_lossy();
            Err(gil.runtime_error(&format!(
                "the host's function {name} failed: {}",
                panic_text(panic.as_ref())
            )))
        }
    }
}

impl Gil<'_> {
    /// Runs without the GIL what can have no use of it (a `Gil` is not `Send`, but closures here are not sent: the
    /// callers are this file's own, and theirs hold none). `work` does not unwind.
    fn released<T>(self, work: impl FnOnce() -> T) -> T {
        // SAFETY: the GIL is held, and is taken again by the same state before anything of Python is touched.
        let state = unsafe { (self.api().PyEval_SaveThread)() };
        let result = work();
        // SAFETY: as above.
        unsafe { (self.api().PyEval_RestoreThread)(state) };
        result
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a text")
}

unsafe extern "C" fn interrupt(_index: Ptr, arguments: *const Ptr, count: isize) -> Ptr {
    // SAFETY: CPython keeps the contract of METH_FASTCALL.
    unsafe { trampoline(arguments, count, interrupt_thread) }
}

fn interrupt_thread<'py>(gil: Gil<'py>, arguments: &[Ref<'py>]) -> Result<Ref<'py>, Raised> {
    let [ident, class] = arguments else {
        return Err(gil.type_error(&format!(
            "interrupt() was given {} arguments: expected the thread's ident and an exception class",
            arguments.len()
        )));
    };
    let api = gil.api();
    // SAFETY: a live object, whose type is checked.
    let ident = gil.unless_raised(unsafe { (api.PyLong_AsUnsignedLong)(ident.pointer()) })?;
    let class = match gil.kind(class) {
        Kind::None => null_mut(),
        _ if gil.is_exception_class(class) => class.pointer(),
        _ => {
            let given = gil.describe(class);
            return Err(gil.type_error(&format!(
                "cannot raise {given} in a thread: expected an exception class, or None"
            )));
        }
    };
    // SAFETY: looks at the threads of the calling interpreter only, under its own lock; null takes back.
    let found = unsafe { (api.PyThreadState_SetAsyncExc)(ident, class) };
    if found > 1 {
        // SAFETY: as above. The documentation asks to undo it: several threads were hit.
        unsafe { (api.PyThreadState_SetAsyncExc)(ident, null_mut()) };
        return Err(gil.runtime_error(&format!(
            "{found} threads have the ident {ident}: none was interrupted"
        )));
    }
    Ok(gil.bool(found == 1))
}

// ---------------------------------------------------------------------------------------------------------------------
// Interpreters
// ---------------------------------------------------------------------------------------------------------------------

/// A sub-interpreter of this OS thread, current until it is ended.
pub(crate) struct Interpreter {
    runtime: &'static Runtime,
    state: State,
    interpreter: *mut InterpreterState,
}

/// `Py_EndInterpreter` waits for the threads of `threading`, and ends the whole process if one of their thread states is
/// left, which in 3.11 the very thread it waited for may do. So they are waited for before, by the same function.
const WAIT_FOR_THREADS: &CStr = c"import sys
threading = sys.modules.get('threading')
if threading is not None:
    threading._shutdown()
    threading._shutdown = bool
";

/// How long threads may take from their last line of Python to the end of their thread state.
const LAST_STEPS: Duration = Duration::from_secs(5);

impl Runtime {
    /// Makes a new interpreter on this thread, which must have no thread state that is current.
    pub(crate) fn new_interpreter(&'static self, isolated: bool) -> Result<Interpreter, String> {
        let api = &self.api;
        let outer = ManuallyDrop::new(self.attach());
        let made = self.make_state(isolated);
        let inner = match made {
            Ok(inner) => inner,
            Err(text) => {
                self.leave(ManuallyDrop::into_inner(outer));
                return Err(text);
            }
        };
        // SAFETY: `inner` is current. The thread state of the main interpreter has done its work: it is made current
        // once more to be ended, under its own interpreter's lock, which may be another one.
        unsafe {
            (api.PyEval_SaveThread)();
            (api.PyEval_RestoreThread)(outer.state);
        }
        drop(ManuallyDrop::into_inner(outer));
        // SAFETY: no state is current; `inner` is of this thread.
        unsafe { (api.PyEval_RestoreThread)(inner) };
        // SAFETY: `inner` is current.
        let interpreter = unsafe { (api.PyInterpreterState_Get)() };
        let state = if self.minor < 12 {
            self.rebound(inner, interpreter)
        } else {
            inner
        };
        Ok(Interpreter {
            runtime: self,
            state,
            interpreter,
        })
    }

    /// Makes the interpreter; its first thread state is current afterwards.
    fn make_state(&self, isolated: bool) -> Result<State, String> {
        let mut state: State = null_mut();
        let Some(from_config) = self.api.Py_NewInterpreterFromConfig else {
            if isolated {
                return Err(format!(
                    "CPython 3.{} has no interpreters with a lock of their own: use 3.12 or newer, or a shared lock",
                    self.minor
                ));
            }
            // SAFETY: the GIL is held.
            state = unsafe { (self.api.Py_NewInterpreter)() };
            return if state.is_null() {
                Err("CPython made no interpreter".to_owned())
            } else {
                Ok(state)
            };
        };
        let config = InterpreterConfig {
            use_main_obmalloc: c_int::from(!isolated),
            allow_fork: c_int::from(!isolated),
            allow_exec: c_int::from(!isolated),
            allow_threads: 1,
            // Never: a daemon thread that is left when the interpreter ends is a fatal error of the process.
            allow_daemon_threads: 0,
            check_multi_interp_extensions: c_int::from(isolated),
            gil: if isolated { OWN_GIL } else { SHARED_GIL },
        };
        // SAFETY: the GIL is held; the config is only read.
        let status = unsafe { from_config(&mut state, &config) };
        if status.kind == 0 && !state.is_null() {
            return Ok(state);
        }
        if status.message.is_null() {
            return Err("CPython made no interpreter".to_owned());
        }
        // SAFETY: a static C string of libpython.
        let said = unsafe { CStr::from_ptr(status.message) }
            .to_string_lossy()
            .into_owned();
        Err(format!("CPython made no interpreter: {said}"))
    }

    /// Whether the calling thread has the GIL of an interpreter; `false` too where libpython does not tell. Up to 3.11 it
    /// tells of whichever thread has the GIL.
    pub(crate) fn holds_gil(&self) -> bool {
        let current = self
            .api
            .PyThreadState_GetUnchecked
            .or(self.api._PyThreadState_UncheckedGet);
        // SAFETY: may be called at any time, by any thread.
        self.has_own_gil() && current.is_some_and(|current| !unsafe { current() }.is_null())
    }

    /// After a failure the caller's thread state should be current again. If it is not, it is better lost than used.
    fn leave(&self, outer: Attached) {
        let current = self
            .api
            .PyThreadState_GetUnchecked
            .or(self.api._PyThreadState_UncheckedGet);
        // SAFETY: may be called at any time.
        let is_current = current.is_none_or(|current| unsafe { current() } == outer.state);
        if !is_current {
            std::mem::forget(outer);
        }
    }

    /// Before 3.12 PyGILState_Ensure, which extension modules use, knows a thread by the first thread state that was
    /// made on it. That was the main interpreter's, and it is gone: one made now is the one it will know.
    fn rebound(&self, first: State, interpreter: *mut InterpreterState) -> State {
        // SAFETY: `first` is current, of this interpreter, and is replaced by another of the same interpreter.
        unsafe {
            let state = (self.api.PyThreadState_New)(interpreter);
            (self.api.PyThreadState_Swap)(state);
            (self.api.PyThreadState_Clear)(first);
            (self.api.PyThreadState_Delete)(first);
            state
        }
    }
}

impl Interpreter {
    pub(crate) fn gil(&self) -> Gil<'_> {
        Gil {
            runtime: self.runtime,
            here: PhantomData,
        }
    }

    /// Gives the interpreter the settings' import paths.
    pub(crate) fn prepare(&self) -> Result<(), Raised> {
        self.gil().add_import_paths()
    }

    /// Waits for its threads and ends it. An interpreter with threads that do not end is left as it is, since ending it
    /// would end the process.
    pub(crate) fn end(self) -> Result<(), String> {
        let gil = self.gil();
        if gil
            .execute(WAIT_FOR_THREADS, c"<end of the interpreter>")
            .is_err()
        {
            // The interpreter is ended whether or not a thread's last words failed.
            gil.clear_error();
        }
        let api = &self.runtime.api;
        if !self.is_alone() {
            // SAFETY: the state is current; it is kept for ever, as the interpreter is.
            unsafe { (api.PyEval_SaveThread)() };
            return Err("it still has threads (daemon threads, or ones of _thread), so it was left in memory; \
                expected code that ends its threads: join them"
                .to_owned());
        }
        // SAFETY: current, and the last one of its interpreter. Afterwards no state is current.
        unsafe { (api.Py_EndInterpreter)(self.state) };
        if self.runtime.minor < 12 {
            self.release_after_end();
        }
        Ok(())
    }

    /// Whether this is the interpreter's only thread state; waits some time for those that are about to end.
    fn is_alone(&self) -> bool {
        let start = Instant::now();
        while self.has_others() {
            if start.elapsed() > LAST_STEPS {
                return false;
            }
            self.gil()
                .released(|| std::thread::sleep(Duration::from_millis(1)));
        }
        true
    }

    fn has_others(&self) -> bool {
        let api = &self.runtime.api;
        let (Some(head), Some(next)) = (api.PyInterpreterState_ThreadHead, api.PyThreadState_Next)
        else {
            return false;
        };
        // SAFETY: a thread needs this interpreter's lock, which is held, to add or take away its state.
        unsafe { !next(head(self.interpreter)).is_null() }
    }

    /// Before 3.12 `Py_EndInterpreter` returns with the lock held and no thread state to release it by.
    fn release_after_end(&self) {
        let runtime = self.runtime;
        // SAFETY: needs no thread state. The lock, which is the main interpreter's, is held by this thread.
        let state =
            unsafe { (runtime.api.PyThreadState_New)(runtime.main.load(Ordering::Acquire)) };
        // SAFETY: no state is current, and the new one is of this thread.
        unsafe { (runtime.api.PyThreadState_Swap)(state) };
        drop(Attached { runtime, state });
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Counted memory
// ---------------------------------------------------------------------------------------------------------------------

/// The bytes of a block of malloc.
///
/// # Safety
/// `block` is null or came from malloc.
unsafe fn size_of_block(block: *mut c_void) -> usize {
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    // SAFETY: says the caller; null has no bytes.
    let size = unsafe { libc::malloc_usable_size(block) };
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    let size = {
        let _ = block;
        0 // arenas only are counted
    };
    size
}

/// # Safety
/// `block` is null or came from malloc.
unsafe fn counted(block: *mut c_void) -> *mut c_void {
    // SAFETY: says the caller.
    memory::taken(unsafe { size_of_block(block) });
    block
}

// The raw domain promises a block, not null, for zero bytes.

unsafe extern "C" fn raw_malloc(_: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: malloc's own.
    unsafe { counted(libc::malloc(size.max(1))) }
}

unsafe extern "C" fn raw_calloc(_: *mut c_void, count: usize, size: usize) -> *mut c_void {
    let (count, size) = if count == 0 || size == 0 {
        (1, 1)
    } else {
        (count, size)
    };
    // SAFETY: malloc's own.
    unsafe { counted(libc::calloc(count, size)) }
}

unsafe extern "C" fn raw_realloc(_: *mut c_void, block: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: CPython gives a block of this domain, or null.
    let before = unsafe { size_of_block(block) };
    // SAFETY: as above.
    let after = unsafe { libc::realloc(block, size.max(1)) };
    if !after.is_null() {
        memory::given_back(before);
        // SAFETY: came from realloc.
        unsafe { counted(after) };
    }
    after
}

unsafe extern "C" fn raw_free(_: *mut c_void, block: *mut c_void) {
    // SAFETY: CPython gives a block of this domain, or null.
    unsafe {
        memory::given_back(size_of_block(block));
        libc::free(block);
    }
}

unsafe extern "C" fn arena_alloc(_: *mut c_void, size: usize) -> *mut c_void {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: new pages, at an address of the system's choice.
    let arena = unsafe {
        libc::mmap(
            null_mut(),
            size,
            protection,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if arena == libc::MAP_FAILED {
        return null_mut();
    }
    memory::taken(size);
    arena
}

unsafe extern "C" fn arena_free(_: *mut c_void, arena: *mut c_void, size: usize) {
    // SAFETY: what arena_alloc gave, with the size it was asked for.
    unsafe { libc::munmap(arena, size) };
    memory::given_back(size);
}
