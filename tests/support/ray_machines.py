"""A pretended machine for Ray: its own home, temporary folder and ports, and an end to every process it began."""

import contextlib
import getpass
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import psutil
from tracking_servers import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
BINARIES = Path(sys.executable).parent
_MARK = "CRESCENDO_TEST_MACHINE"


class Machine:
    """Processes started with `environment`, and all that they start, end with `close`."""

    def __init__(self) -> None:
        # Short, because Ray puts sockets below it.
        self.home = Path(tempfile.mkdtemp(prefix="cr-", dir="/tmp"))
        self.mark = uuid.uuid4().hex
        self.gcs_port = free_port()
        self.cpus = (
            os.cpu_count() or 1
        ) + 1  # more than this machine has: who runs with so many has joined the cluster
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("RAY_", "MLFLOW_"))}
        self.environment = kept | {
            "HOME": str(self.home),
            "PATH": f"{BINARIES}:{os.environ['PATH']}",
            "RAY_TMPDIR": str(self.home / "r"),
            "RAY_USAGE_STATS_ENABLED": "0",
            "OMP_NUM_THREADS": "1",
            _MARK: self.mark,
        }

    def start_ray(self, *options: str) -> None:
        self.run("ray", "start", "--head", f"--port={self.gcs_port}", *self.ray_options(), *options)

    def ray_options(self) -> list[str]:
        """Ports of its own, so that it stands beside other clusters of this machine."""
        ports = {name: free_port() for name in ("ray-client-server-port", "dashboard-agent-listen-port")}
        return [f"--num-cpus={self.cpus}", *(f"--{name}={port}" for name, port in ports.items())]

    def run(self, *command: str | Path, seconds: float = 550, **more: str) -> str:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=REPOSITORY,
            env=self.environment | more,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        output = done.stdout + done.stderr
        assert done.returncode == 0, output
        return output

    def close(self) -> None:
        give_up = time.monotonic() + 20
        while (left := self._processes()) and time.monotonic() < give_up:
            for process in left:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            psutil.wait_procs(left, timeout=2)
        shutil.rmtree(self.home, ignore_errors=True)

    def _processes(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(_MARK) == self.mark:
                    found.append(process)
        return found


class SecureShell:
    """Debian's sshd on a high port of 127.0.0.1, for one key made here; who logs in finds himself on `machine`."""

    def __init__(self, machine: Machine) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cr-ssh-", dir="/tmp"))
        self.key, self.port, self.user = self.folder / "key", free_port(), getpass.getuser()
        for name in ("key", "host"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / name], check=True)
        variables = {"HOME": machine.environment["HOME"], _MARK: machine.mark}
        settings = {
            "ListenAddress": "127.0.0.1",
            "Port": self.port,
            "HostKey": self.folder / "host",
            "AuthorizedKeysFile": self.folder / "key.pub",
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "PermitRootLogin": "prohibit-password",
            "SetEnv": " ".join(f"{key}={value}" for key, value in variables.items()),
        }
        (self.folder / "config").write_text("".join(f"{key} {value}\n" for key, value in settings.items()))
        exported = {key: machine.environment[key] for key in ("RAY_TMPDIR", "RAY_USAGE_STATS_ENABLED")}
        lines = [
            'cd "$HOME"',
            f"export PATH={BINARIES}:$PATH",
            *(f"export {key}={value}" for key, value in exported.items()),
        ]
        (machine.home / ".bashrc").write_text("\n".join(lines) + "\n")
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        daemon = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
        assert daemon is not None
        self._daemon = subprocess.Popen([daemon, "-D", "-f", self.folder / "config", "-E", self.folder / "log"])

    @property
    def authentication(self) -> dict[str, str]:
        """The `auth` of a cluster file that leads here, though the port is not ssh's."""
        to_port = f"bash -c 'exec 3<>/dev/tcp/127.0.0.1/{self.port}; cat <&3 & cat >&3; kill $!'"
        return {"ssh_user": self.user, "ssh_private_key": str(self.key), "ssh_proxy_command": to_port}

    def close(self) -> None:
        self._daemon.terminate()
        self._daemon.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
