"""What ``pyproject.toml`` cannot say: Cargo's version, the module's file name, a clean folder."""

import tempfile
import tomllib
from pathlib import Path

from setuptools import setup
from setuptools_rust import RustExtension, build_rust

MODULE = "libgearframe_module"


class BuildRust(build_rust):
    """Build the loadable module under a name that does not depend on the Python that builds."""

    def get_dylib_ext_path(self, ext: RustExtension, target_fname: str) -> str:
        """Give the path; the suffix that names a Python would be wrong on the module."""
        path = Path(super().get_dylib_ext_path(ext, target_fname))
        return str(path.with_name(f"{MODULE}.so") if path.name.startswith(MODULE) else path)


def version() -> str:
    """Give the version of the workspace, which is that of all its crates."""
    cargo = tomllib.loads(Path("Cargo.toml").read_text("utf-8"))
    given: str = cargo["workspace"]["package"]["version"]
    return given


# setuptools packs all that it finds in its build folder, so in a lasting one files that have been
# deleted from the tree would still go into wheels. What takes time is kept elsewhere, by Cargo.
with tempfile.TemporaryDirectory(prefix="gearframe-build-") as folder:
    setup(
        version=version(),
        cmdclass={"build_rust": BuildRust},
        options={"build": {"build_base": folder}},
    )
