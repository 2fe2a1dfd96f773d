//! Which Python to host: the environment that this file was installed in, or the one named.
//!
//! The interpreter itself is asked, in a process of its own, where its libpython is and whether it
//! has gearframe. So whatever is wrong with it is known before anything of it is in the server.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use gearframe_embedded_python::ask_program;

/// How long it may think: the server answers nobody meanwhile.
const LIMIT: Duration = Duration::from_secs(20);

/// What the interpreter says of itself: a line each.
const QUESTION: &str = "
import sys
if sys.version_info < (3, 11):
    sys.exit('Python 3.11 or newer is needed, this is ' + sys.version.split()[0])
sys.path.insert(0, sys.argv[1])
from gearframe.shard import libpython
print('.'.join(map(str, sys.version_info[:3])))
print(libpython.find() or '')
print(sys.executable)
";

/// A Python that can be hosted.
#[derive(Clone, Debug)]
pub(crate) struct Interpreter {
    pub(crate) libpython: PathBuf,
    pub(crate) program: PathBuf,
    /// The folder that has the package `gearframe` this module belongs to.
    pub(crate) packages: PathBuf,
    pub(crate) version: String,
}

/// Finds the Python to host.
pub(crate) fn find(named: &str) -> Result<Interpreter, String> {
    let module = own_path()?;
    let packages = module
        .parent()
        .and_then(Path::parent)
        .ok_or_else(|| format!("{} lies in no package", module.display()))?;
    let program = if named.is_empty() {
        beside(packages)
    } else {
        PathBuf::from(named)
    };
    let folders = std::env::var_os("PATH").unwrap_or_default();
    ask(&on_path(program, &folders), packages)
}

fn ask(program: &Path, packages: &Path) -> Result<Interpreter, String> {
    let advice = "name the python of the environment that has gearframe: loadmodule ... Python /path/to/bin/python";
    let mut question = Command::new(program);
    question.args(["-E", "-B", "-c", QUESTION]).arg(packages);
    let answer = ask_program(&mut question, LIMIT)
        .map_err(|error| format!("{} cannot be run: {error}; {advice}", program.display()))?
        .ok_or_else(|| {
            format!(
                "{} has not answered within {} s, and was killed; try it in a shell: {} -c 'import gearframe'; or {advice}",
                program.display(),
                LIMIT.as_secs(),
                program.display()
            )
        })?;
    let mut lines = answer.output.lines();
    // Where nobody knows how it ended, all three lines say that it ended well.
    if !answer.fine(|output| output.lines().count() == 3) {
        let last = answer.errors.trim_end().lines().last();
        return Err(format!(
            "{} cannot import gearframe: {}; {advice}",
            program.display(),
            last.unwrap_or("it says nothing")
        ));
    }
    let (Some(version), Some(libpython), Some(executable)) =
        (lines.next(), lines.next(), lines.next())
    else {
        return Err(format!(
            "{} does not answer as Python does; {advice}",
            program.display()
        ));
    };
    if libpython.is_empty() {
        return Err(format!(
            "the Python {version} of {} has no shared libpython: it was built without --enable-shared; use a Python that has one (Debian: apt install libpython3-dev; pyenv: PYTHON_CONFIGURE_OPTS=--enable-shared)",
            program.display()
        ));
    }
    Ok(Interpreter {
        libpython: PathBuf::from(libpython),
        program: PathBuf::from(executable),
        packages: packages.to_owned(),
        version: version.to_owned(),
    })
}

/// The interpreter of the environment that has this package; else what the shell would find.
fn beside(packages: &Path) -> PathBuf {
    let environment = packages
        .ancestors()
        .find(|folder| folder.join("pyvenv.cfg").exists());
    // lib/python3.12/site-packages of a prefix: its interpreter has the same version in its name.
    let versioned = || {
        let library = packages.parent()?;
        let program = library
            .parent()?
            .parent()?
            .join("bin")
            .join(library.file_name()?);
        program.exists().then_some(program)
    };
    match environment {
        Some(folder) => folder.join("bin/python"),
        None => versioned()
            .or_else(|| Some(PathBuf::from(std::env::var_os("VIRTUAL_ENV")?).join("bin/python")))
            .unwrap_or_else(|| PathBuf::from("python3")),
    }
}

/// Where a program without a folder lies. Valkey keeps its environment from programs that are
/// started once it runs, and a Python that was found on a PATH it does not know cannot say where it is.
fn on_path(program: PathBuf, folders: &OsStr) -> PathBuf {
    let runs = |file: &PathBuf| {
        file.metadata()
            .is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
    };
    let found = |folder: PathBuf| Some(folder.join(&program)).filter(runs);
    match program.components().count() {
        1 => std::env::split_paths(folders).find_map(found),
        _ => None,
    }
    .unwrap_or(program)
}

/// Where this module's file is, as the kernel has mapped it.
fn own_path() -> Result<PathBuf, String> {
    let here = (own_path as fn() -> Result<PathBuf, String>) as usize;
    let maps = std::fs::read_to_string("/proc/self/maps").map_err(|error| error.to_string())?;
    maps.lines()
        .filter(|line| range_of(line).is_some_and(|(start, end)| (start..end).contains(&here)))
        .find_map(|line| line.find('/').map(|at| PathBuf::from(&line[at..])))
        .ok_or_else(|| "the module's own file is not found in /proc/self/maps".to_owned())
}

fn range_of(line: &str) -> Option<(usize, usize)> {
    let (start, rest) = line.split_once('-')?;
    let (end, _) = rest.split_once(' ')?;
    Some((
        usize::from_str_radix(start, 16).ok()?,
        usize::from_str_radix(end, 16).ok()?,
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_first_program_on_path_that_runs() {
        let top = std::env::temp_dir().join(format!("gearframe-path-{}", std::process::id()));
        let [none, text, good] = ["none", "text", "good"].map(|name| top.join(name));
        for (folder, mode) in [(&text, 0o644), (&good, 0o755)] {
            std::fs::create_dir_all(folder).unwrap();
            let file = folder.join("python3");
            std::fs::write(&file, "").unwrap();
            std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        }
        let folders = std::env::join_paths([&none, &text, &good]).unwrap();
        assert_eq!(on_path("python3".into(), &folders), good.join("python3"));
        for named in ["python4", "./python3", "/bin/python3"] {
            assert_eq!(on_path(named.into(), &folders), PathBuf::from(named));
        }
        std::fs::remove_dir_all(top).unwrap();
    }
}
