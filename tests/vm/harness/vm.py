"""The test machine, from the host: see README.md.  Standard library only.

    from vm import VM
    with VM(cache) as vm:            # boots, waits for multi-user
        rc, out = vm.run("uname -a")
        stick = vm.usb_insert("stick.img")
        vm.tap(0, 0)                 # first row, first column of the keypad
        vm.panel().png("panel.png")
        vm.usb_remove(stick)
        vm.power_cut()               # pull the plug, boot again from the same disk
"""
import atexit
import base64
import ctypes
import fcntl
import json
import os
import queue
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import zlib

CHUNK = 192 * 1024
ROWS = (5, 6, 13, 19)     # BCM numbers; the product's wiring goes to VM(rows=, cols=)
COLS = (12, 16, 20, 21)
APPEND = ("root=/dev/vda rw console=ttyS0 loglevel=4 mitigations=off random.trust_cpu=on audit=0 "
          "apparmor=0 cryptomgr.notests nowatchdog rcupdate.rcu_expedited=1 "
          # the TSC is measured at boot, wrongly on a busy host; the HPET runs with the wall
          "tsc=unstable clocksource=hpet "
          "8250.nr_uarts=1 systemd.show_status=0 net.ifnames=0")


class VMError(Exception):
    pass


class Gone(VMError):
    """The guest went away (power cut, reboot, crash) during a request."""


class Frame:
    """What is on the panel: 128x64, 1 = lit."""

    def __init__(self, pbm):
        magic, size, bits = pbm.split(b"\n", 2)
        if magic != b"P4":
            raise ValueError("not a PBM")
        self.width, self.height = map(int, size.split())
        self.bits = bits
        self.pbm = pbm

    def pixel(self, x, y):
        return self.bits[y * (self.width // 8) + x // 8] >> (7 - x % 8) & 1

    def lit(self):
        return sum(bin(b).count("1") for b in self.bits)

    def rows(self, y0=0, y1=None):
        return ["".join("#" if self.pixel(x, y) else "." for x in range(self.width))
                for y in range(y0, self.height if y1 is None else y1)]

    def text(self):
        """The picture in half blocks, 32 lines of 128 characters."""
        return "\n".join("".join(" ▀▄█"[self.pixel(x, y) + 2 * self.pixel(x, y + 1)]
                                 for x in range(self.width)).rstrip()
                         for y in range(0, self.height, 2))

    def __eq__(self, other):
        return isinstance(other, Frame) and self.bits == other.bits

    def __hash__(self):
        return hash(self.bits)

    def png(self, path, scale=4):
        w, h = self.width * scale, self.height * scale
        raw = bytearray()
        for y in range(self.height):
            line = bytes(255 if self.pixel(x, y) else 0
                         for x in range(self.width) for _ in range(scale))
            raw += (b"\0" + line) * scale

        def chunk(kind, data):
            return (struct.pack(">I", len(data)) + kind + data +
                    struct.pack(">I", zlib.crc32(kind + data)))
        with open(path, "wb") as f:
            f.write(b"\x89PNG\r\n\x1a\n" +
                    chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 0, 0, 0, 0)) +
                    chunk(b"IDAT", zlib.compress(bytes(raw))) + chunk(b"IEND", b""))


class _Qmp:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        try:
            self.sock.connect(path)
        except OSError:
            self.sock.close()
            raise
        self.sock.settimeout(60)
        self.file = self.sock.makefile("rb")
        self.events = []
        self.lock = threading.Lock()
        json.loads(self.file.readline())
        self("qmp_capabilities")

    def __call__(self, cmd, **args):
        with self.lock:
            self.sock.sendall(json.dumps({"execute": cmd, "arguments": args}).encode() + b"\n")
            while True:
                msg = self._read()
                if "error" in msg:
                    raise VMError("%s: %s" % (cmd, msg["error"].get("desc")))
                if "return" in msg:
                    return msg["return"]

    def _read(self):
        line = self.file.readline()
        if not line:
            raise Gone("QEMU closed its control socket")
        msg = json.loads(line)
        if "event" in msg:
            self.events.append(msg)
        return msg

    def wait(self, match, timeout):
        """The first event match() likes, from those not yet taken."""
        end = time.monotonic() + timeout
        with self.lock:
            while True:
                for i, e in enumerate(self.events):
                    if match(e):
                        return self.events.pop(i)
                left = end - time.monotonic()
                if left <= 0:
                    raise VMError("no such event in %g s" % timeout)
                self.sock.settimeout(left)
                try:
                    self._read()
                except socket.timeout:
                    raise VMError("no such event in %g s" % timeout) from None
                finally:
                    self.sock.settimeout(60)

    def close(self):
        self.file.close()
        self.sock.close()


class VM:
    """One guest on its own copy-on-write disk over the cached image.

    cache    the folder build.sh filled
    disk     a qcow2 overlay to keep (default: a new one, thrown away at close)
    base     image under a new overlay (default: the cache's base.img)
    resume   a folder save() wrote: start from there, running, with no boot
    """

    def __init__(self, cache, disk=None, base=None, resume=None, mem=512, smp=2,
                 rows=ROWS, cols=COLS, net=False, forward=(), append="", extra=(),
                 cpu="Nehalem,+rdrand", machine="q35,i8042=off", boot=True, timeout=180, log=None):
        self.cache = os.path.abspath(cache)
        self.rows, self.cols = tuple(rows), tuple(cols)
        self.mem, self.smp, self.cpu, self.machine = mem, smp, cpu, machine
        self.net, self.forward = net, tuple(forward)
        self.append, self.extra = append, list(extra)
        self.timeout = timeout
        self.dir = tempfile.mkdtemp(prefix="vm-")
        self.console = log or os.path.join(self.dir, "console.log")
        self.base = os.path.abspath(base or os.path.join(self.cache, "base.img"))
        self.disk = os.path.abspath(disk) if disk else os.path.join(self.dir, "disk.qcow2")
        self.proc = self.qmp = self.agent = None
        self.usb = {}          # id -> how it was plugged in, in order
        self.count = 0
        self.nreq = 0
        self.hello = threading.Event()
        self.boots = 0
        self.boot_seconds = None
        self.lock = threading.Lock()
        self.waiting = {}
        atexit.register(self.close)
        try:
            if resume:
                self._resume(resume)
            else:
                if not os.path.exists(self.disk):
                    fmt = "qcow2" if self.base.endswith(".qcow2") else "raw"
                    self._img("create", "-f", "qcow2", "-b", self.base, "-F", fmt, self.disk)
                if boot:
                    self.boot()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    @staticmethod
    def _img(*args):
        subprocess.run(["qemu-img", args[0], "-q", *args[1:]], check=True)

    # --- power ---------------------------------------------------------------

    def _argv(self):
        d = self.dir
        a = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
             "-machine", self.machine, "-accel", "tcg,thread=multi", "-cpu", self.cpu,
             "-smp", str(self.smp), "-m", str(self.mem), "-S",
             "-kernel", os.path.join(self.cache, "vmlinux"),
             "-initrd", os.path.join(self.cache, "initrd.img"),
             "-append", (APPEND + " " + self.append).strip(),
             "-drive", "file=%s,if=none,id=root,format=qcow2,cache=unsafe" % self.disk,
             "-device", "virtio-blk-pci,drive=root",
             "-device", "virtio-serial-pci",
             "-chardev", "socket,id=agent,path=%s/agent,server=on,wait=off" % d,
             "-device", "virtserialport,chardev=agent,name=lab.agent",
             "-chardev", "file,id=tty,path=%s,append=on" % self.console,
             "-serial", "chardev:tty",
             "-device", "qemu-xhci,id=xhci,p2=8,p3=8",
             "-qmp", "unix:%s/qmp,server=on,wait=off" % d]
        if self.net:
            fwd = "".join(",hostfwd=tcp:127.0.0.1:%d-:%d" % hg for hg in self.forward)
            a += ["-netdev", "user,id=n0,restrict=on" + fwd, "-device", "virtio-net-pci,netdev=n0"]
        return a + self.extra

    def _spawn(self, more=()):
        for name in ("agent", "qmp"):
            try:
                os.unlink(os.path.join(self.dir, name))
            except FileNotFoundError:
                pass
        main = threading.current_thread() is threading.main_thread()

        def child():  # no QEMU outlives a killed test run
            if main:
                ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        self.errlog = open(os.path.join(self.dir, "qemu.err"), "ab")
        self.proc = subprocess.Popen(self._argv() + list(more), stdin=subprocess.DEVNULL,
                                     stdout=self.errlog, stderr=self.errlog, preexec_fn=child,
                                     start_new_session=True)
        end = time.monotonic() + 20
        while True:
            try:
                self.qmp = _Qmp(os.path.join(self.dir, "qmp"))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if self.proc.poll() is not None or time.monotonic() > end:
                    with open(os.path.join(self.dir, "qemu.err"), errors="replace") as f:
                        raise VMError("QEMU did not start: " + f.read()[-2000:]) from None
                time.sleep(0.02)
        self.hello.clear()
        self.agent = socket.socket(socket.AF_UNIX)
        self.agent.connect(os.path.join(self.dir, "agent"))
        threading.Thread(target=self._reader, args=(self.agent,), daemon=True).start()

    def boot(self, wait="multi-user", timeout=None):
        """Power on.  wait: "multi-user", "agent" (early boot) or None."""
        if self.proc:
            raise VMError("already on")
        t = time.monotonic()
        self._spawn()
        for ident, how in self.usb.items():
            self._plug(ident, how)
        self.qmp("cont")
        self.boots += 1
        if wait:
            self.wait_agent(timeout or self.timeout)
            if wait == "multi-user":
                self.wait_multi_user(timeout or self.timeout)
            self.boot_seconds = time.monotonic() - t

    def wait_agent(self, timeout=None):
        end = time.monotonic() + (timeout or self.timeout)
        while not self.hello.wait(0.2):
            if self.proc.poll() is not None:
                raise Gone("QEMU ended with %s" % self.proc.returncode)
            if time.monotonic() > end:
                raise VMError("no sign of the guest; console: " + self.console_tail())
        if self.net:
            self.run("ip link set lo up; ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0; "
                     "ip route add default via 10.0.2.2")

    def wait_multi_user(self, timeout=None):
        rc, out = self.run("systemctl is-system-running --wait", timeout=timeout or self.timeout)
        self.system_state = out.strip()      # "running" or "degraded"
        return self.system_state

    def power_cut(self, boot=True, wait="multi-user"):
        """Pull the plug: kill QEMU at once.  Sticks stay in their sockets."""
        self._kill()
        if boot:
            self.boot(wait)

    def shutdown(self, timeout=90):
        """systemctl poweroff, and wait until it is off."""
        try:
            self.run("systemctl --no-block poweroff", timeout=20)
        except Gone:
            pass
        try:
            self.proc.wait(timeout)
        except subprocess.TimeoutExpired:
            raise VMError("still on after %g s; console: %s" % (timeout, self.console_tail())) from None
        self._kill()

    def reboot(self, wait="multi-user", timeout=None):
        """systemctl reboot, and wait until it is up again."""
        self.hello.clear()
        try:
            self.run("systemctl --no-block reboot", timeout=20)
        except Gone:
            pass
        self.wait_agent(timeout)
        if wait == "multi-user":
            self.wait_multi_user(timeout)

    def keep_disk(self, path):
        """The root disk as it is now, as an image for VM(cache, base=path).
        The machine has to be off."""
        if self.proc:
            raise VMError("shut it down first")
        subprocess.run(["cp", "--reflink=auto", "--sparse=always", self.disk, path], check=True)

    def alive(self):
        return self.proc is not None and self.proc.poll() is None

    def _kill(self):
        if self.proc:
            if self.proc.poll() is None:
                self.proc.kill()
            self.proc.wait()
            self.errlog.close()
        for s in (self.agent, self.qmp):
            if s:
                try:
                    if s is self.agent:
                        s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                s.close()
        self.proc = self.qmp = self.agent = None
        self._fail("the machine is off")

    def close(self):
        self._kill()
        shutil.rmtree(self.dir, ignore_errors=True)
        atexit.unregister(self.close)

    def console_tail(self, n=1500):
        try:
            with open(self.console, errors="replace") as f:
                return f.read()[-n:]
        except OSError:
            return ""

    # --- saved running machines -------------------------------------------

    def save(self, folder):
        """Keep the running machine in a folder (no sticks in); it goes on running."""
        if self.usb:
            raise VMError("take the USB devices out first")
        folder = os.path.abspath(folder)
        tmp = folder + ".part"
        shutil.rmtree(tmp, ignore_errors=True)
        os.makedirs(tmp)
        self.run("sync")
        self.qmp("stop")
        try:
            self.qmp("migrate-set-parameters", **{"max-bandwidth": 1 << 34})
            self.qmp("migrate", uri="exec:cat > " + shlex.quote(os.path.join(tmp, "state")))
            while True:
                s = self.qmp("query-migrate").get("status")
                if s == "completed":
                    break
                if s in ("failed", "cancelled"):
                    raise VMError("saving: " + s)
                time.sleep(0.05)
            shutil.copyfile(self.disk, os.path.join(tmp, "disk.qcow2"))
        finally:
            self.qmp("cont")
        with open(os.path.join(tmp, "vm.json"), "w") as f:
            json.dump({k: getattr(self, k) for k in self.SAVED}, f)
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(tmp, folder)

    SAVED = ("mem", "smp", "cpu", "machine", "net", "append", "extra")

    def _resume(self, folder):
        t = time.monotonic()
        folder = os.path.abspath(folder)
        with open(os.path.join(folder, "vm.json")) as f:
            for k, v in json.load(f).items():
                setattr(self, k, v)
        subprocess.run(["cp", "--reflink=auto", "--sparse=always", os.path.join(folder, "disk.qcow2"),
                        self.disk], check=True)
        self._spawn(["-incoming", "exec:cat " + shlex.quote(os.path.join(folder, "state"))])
        end = time.monotonic() + 60
        while self.qmp("query-status")["status"] == "inmigrate":
            if time.monotonic() > end:
                raise VMError("resuming took too long")
            time.sleep(0.02)
        self.qmp("cont")
        self.hello.set()
        self._ask({"op": "clock", "now": time.time()}, 30)
        self.boot_seconds = time.monotonic() - t

    @classmethod
    def warm(cls, cache, **kw):
        """A booted machine in a second or two: boots once, then resumes the saved one."""
        with open(os.path.join(cache, "info.json")) as f:
            info = f.read()
        info += subprocess.run(["qemu-system-x86_64", "--version"], stdout=subprocess.PIPE).stdout.decode()
        key = "%08x" % zlib.crc32(json.dumps([info, sorted((k, str(v)) for k, v in kw.items()
                                              if k not in ("rows", "cols", "timeout", "log"))]).encode())
        folder = os.path.join(cache, "warm-" + key)
        with open(folder + ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.isdir(folder):
                with cls(cache, **kw) as vm:
                    time.sleep(3)       # let the last of the boot settle
                    vm.save(folder)
        return cls(cache, resume=folder, **kw)

    # --- the agent -----------------------------------------------------------

    def _reader(self, sock):
        buf = b""
        while True:
            try:
                part = sock.recv(1 << 20)
            except OSError:
                part = b""
            if not part:
                if sock is self.agent:
                    self._fail("the machine is off")
                return
            buf += part
            if b"\n" not in part:
                continue
            *lines, buf = buf.split(b"\n")
            for line in lines:
                try:
                    msg = json.loads(line)
                except ValueError:
                    continue
                if msg.get("ev") == "hello":
                    self._fail("the guest's agent started again")
                    self.hello.set()
                    continue
                q = self.waiting.get(msg.get("id"))
                if q:
                    q.put(msg)

    def _fail(self, why):
        with self.lock:
            for q in self.waiting.values():
                q.put({"gone": why})

    def _ask(self, req, timeout):
        """One request; (last answer, all its bytes)."""
        if not self.alive():
            raise Gone("the machine is off")
        with self.lock:
            self.nreq += 1
            ident = self.nreq
            q = self.waiting[ident] = queue.Queue()
        try:
            data = json.dumps(dict(req, id=ident)).encode() + b"\n"
            try:
                with self.lock:
                    self.agent.sendall(data)
            except OSError as e:
                raise Gone(str(e)) from None
            out = []
            end = time.monotonic() + timeout
            while True:
                try:
                    msg = q.get(timeout=max(0.01, end - time.monotonic()))
                except queue.Empty:
                    raise VMError("no answer to %s in %g s" % (req.get("cmd") or req["op"], timeout)) from None
                if "gone" in msg:
                    raise Gone(msg["gone"])
                if "err" in msg:
                    raise VMError(msg["err"])
                if msg.get("out"):
                    out.append(base64.b64decode(msg["out"]))
                if not msg.get("more"):
                    return msg, b"".join(out)
        finally:
            with self.lock:
                self.waiting.pop(ident, None)

    def run(self, cmd, timeout=120, check=False, input=None, user=None, env=None, cwd=None, raw=False):
        """A shell line (or an argv list) as root: (exit status, stdout+stderr).

        Returns when the command itself ends; what it left running goes on."""
        req = {"op": "run", "cmd": cmd, "timeout": timeout, "user": user, "env": env, "cwd": cwd}
        if input is not None:
            req["input"] = base64.b64encode(input.encode() if isinstance(input, str) else input).decode()
        msg, out = self._ask(req, timeout + 15)
        if msg.get("late"):
            raise VMError("%s: still going after %g s: %s" % (cmd, timeout, out[-1000:].decode(errors="replace")))
        if check and msg["rc"]:
            raise VMError("%s: exit %s: %s" % (cmd, msg["rc"], out[-2000:].decode(errors="replace")))
        return msg["rc"], out if raw else out.decode(errors="replace")

    def put(self, src, dest, mode=None, sync=False):
        """A host file (path) or bytes to a guest path; folders are made."""
        data = src
        if not isinstance(src, (bytes, bytearray)):
            with open(src, "rb") as f:
                data = f.read()
            if mode is None:
                mode = os.stat(src).st_mode & 0o777
        off = 0
        while True:
            part = data[off:off + CHUNK]
            last = off + len(part) >= len(data)
            self._ask({"op": "put", "path": dest, "off": off, "first": off == 0, "mkdir": True,
                       "mode": mode if last else None, "sync": sync and last,
                       "data": base64.b64encode(part).decode()}, 120)
            off += len(part)
            if last:
                return

    def put_tree(self, src, dest):
        """A host folder to a guest folder (through tar)."""
        tar = subprocess.run(["tar", "-C", src, "-cf", "-", "."], check=True, stdout=subprocess.PIPE).stdout
        self.put(tar, "/run/put.tar")
        self.run("mkdir -p '%s' && tar -C '%s' --no-same-owner -xf /run/put.tar && rm /run/put.tar" % (dest, dest),
                 check=True)

    def get(self, src, dest=None):
        """A guest file: its bytes, also written to a host path if one is given."""
        data = self._ask({"op": "get", "path": src}, 120)[1]
        if dest:
            with open(dest, "wb") as f:
                f.write(data)
        return data

    def until(self, cmd, timeout=30, every=0.2):
        """Runs cmd until it exits 0; its output."""
        end = time.monotonic() + timeout
        while True:
            rc, out = self.run(cmd)
            if rc == 0:
                return out
            if time.monotonic() > end:
                raise VMError("%s: still %s after %g s: %s" % (cmd, rc, timeout, out[-500:]))
            time.sleep(every)

    def journal(self, unit=None):
        return self.run("journalctl --no-pager -o cat" + (" -u " + shlex.quote(unit) if unit else ""))[1]

    def ping(self):
        return self._ask({"op": "ping"}, 30)[0]

    # --- USB -----------------------------------------------------------------

    def usb_insert(self, image, readonly=False, serial=None, error=None, bps=None):
        """Plug in a stick holding this raw image file; what the guest writes goes
        into the file.  error: "write" or "read": every such request fails with EIO
        ("write:SECTOR": those that touch it).  bps: bytes a second, both ways."""
        self.count += 1
        ident = "usb%d" % self.count
        how = {"kind": "storage", "image": os.path.abspath(image), "readonly": readonly,
               "serial": serial or "LAB%04d" % self.count, "error": error, "bps": bps}
        self._plug(ident, how)
        self.usb[ident] = how
        return ident

    def usb_keyboard(self):
        """A keyboard that shows up on the bus (BadUSB)."""
        return self._usb_other("usb-kbd")

    def usb_mouse(self):
        return self._usb_other("usb-mouse")

    def usb_other(self, driver, **props):
        """Any QEMU USB device: "usb-audio", "usb-serial", "usb-net", ..."""
        return self._usb_other(driver, **props)

    def _usb_other(self, driver, **props):
        self.count += 1
        ident = "usb%d" % self.count
        how = {"kind": "other", "driver": driver, "props": props}
        self._plug(ident, how)
        self.usb[ident] = how
        return ident

    def _plug(self, ident, how):
        if how["kind"] == "other":
            self.qmp("device_add", driver=how["driver"], id=ident, bus="xhci.0", **how["props"])
            return
        node = {"driver": "raw", "node-name": ident + "-n", "read-only": how["readonly"],
                "file": {"driver": "file", "filename": how["image"], "locking": "off",
                         "read-only": how["readonly"]}}
        if how["error"]:
            what, _, sector = how["error"].partition(":")
            rule = {"event": "none", "iotype": what, "errno": 5, "once": False}
            if sector:
                rule["sector"] = int(sector)
            node["file"] = {"driver": "blkdebug", "image": node["file"], "inject-error": [rule],
                            "read-only": how["readonly"]}
        if how["bps"]:
            self.qmp("object-add", **{"qom-type": "throttle-group", "id": ident + "-t",
                                      "limits": {"bps-total": int(how["bps"])}})
            node = {"driver": "throttle", "node-name": ident + "-n", "throttle-group": ident + "-t",
                    "read-only": how["readonly"], "file": dict(node, **{"node-name": ident + "-r"})}
        self.qmp("blockdev-add", **node)
        try:
            args = {"driver": "usb-storage", "id": ident, "bus": "xhci.0", "drive": ident + "-n",
                    "serial": how["serial"], "removable": True}
            self.qmp("device_add", **args)
        except VMError:
            self._unblock(ident, how)
            raise

    def _unblock(self, ident, how):
        if how["kind"] == "storage":
            self.qmp("blockdev-del", **{"node-name": ident + "-n"})
            if how["bps"]:
                self.qmp("object-del", id=ident + "-t")

    def usb_remove(self, ident):
        """Pull it out, whatever it is doing."""
        how = self.usb.pop(ident)
        self.qmp("device_del", id=ident)
        self.qmp.wait(lambda e: e["event"] == "DEVICE_DELETED" and e["data"].get("device") == ident, 30)
        self._unblock(ident, how)

    def badusb(self, label="BADUSB"):
        """One device that is a stick and a keyboard (made inside the guest)."""
        self.run(["badusb", "add", label], check=True)

    def badusb_type(self, *usages):
        """HID usage codes in hex ("04" is a).  False if nobody listens."""
        return self.run(["badusb", "type", *usages])[0] == 0

    def badusb_remove(self):
        self.run(["badusb", "remove"], check=True)

    def keys(self, *names, hold=0.05):
        """Type on the USB keyboard: QEMU key names ("a", "ret", "ctrl-alt-delete")."""
        for name in names:
            self.qmp("send-key", **{"keys": [{"type": "qcode", "data": k} for k in name.split("-")],
                                    "hold-time": int(hold * 1000)})
            time.sleep(hold * 2)

    # --- keypad, GPIO --------------------------------------------------------

    def sim(self, *steps):
        """Words for the simulator, or (words, seconds to wait after)."""
        steps = [(s, 0) if isinstance(s, str) else s for s in steps]
        self._ask({"op": "ctl", "steps": steps}, 60 + sum(s[1] for s in steps))

    def press(self, row, col):
        self.sim("press %d %d" % (self.rows[row], self.cols[col]))

    def release(self, row=None, col=None):
        self.sim("releaseall" if row is None else "release %d %d" % (self.rows[row], self.cols[col]))

    def tap(self, row, col, hold=0.12, after=0.12, bounces=0, bounce_us=800):
        a, b = self.rows[row], self.cols[col]
        if bounces:
            self.sim("bounce %d %d %d %d 1" % (a, b, bounces, bounce_us), ("", hold),
                     ("bounce %d %d %d %d 0" % (a, b, bounces, bounce_us), after))
        else:
            self.sim(("press %d %d" % (a, b), hold), ("release %d %d" % (a, b), after))

    def gpio(self):
        """{line: {...}} and, under None, the totals (conflicts: two outputs at odds)."""
        head, names, *lines = self.get("/sys/kernel/debug/pisim/gpio").decode().splitlines()
        out = {None: dict((k, int(v, 0)) for k, v in (w.split("=") for w in head.split()[1:]))}
        names = names.split()[1:]
        for line in lines:
            d = dict(zip(names, line.split(None, len(names) - 1)))
            out[int(d["line"])] = {k: int(v, 0) if k in ("level", "edges", "writes", "irq", "joined") else v
                                   for k, v in d.items() if k != "line"}
        return out

    def gpio_log(self):
        """[(seconds, line, "o" driven | "i" input changed | "z" let go, level)]"""
        rows = (r.split() for r in self.get("/sys/kernel/debug/pisim/gpio_log").decode().splitlines())
        return [(int(a) / 1e9, int(b), c, int(d)) for a, b, c, d in rows]

    # --- panel ---------------------------------------------------------------

    def panel(self):
        return Frame(self.get("/sys/kernel/debug/pisim/oled.pbm"))

    def oled(self):
        """The controller's state and counters."""
        return dict(line.split("=", 1) for line in
                    self.get("/sys/kernel/debug/pisim/oled").decode().splitlines())

    def oled_raw(self):
        """[(seconds, bytes of one write)] since the last time (up to 1 MB kept)."""
        data, out, i = self.get("/sys/kernel/debug/pisim/oled_raw"), [], 0
        while i < len(data):
            ns, n = struct.unpack_from("<QH", data, i)
            out.append((ns / 1e9, data[i + 10:i + 10 + n]))
            i += 10 + n
        return out

    def wait_panel(self, match, timeout=30, every=0.2):
        """Until match(Frame) is true; the frame."""
        end = time.monotonic() + timeout
        while True:
            f = self.panel()
            if match(f):
                return f
            if time.monotonic() > end:
                raise VMError("the panel never showed it:\n" + f.text())
            time.sleep(every)


# --- sticks, made on the host with no mount -----------------------------------

def make_stick(path, size_mb=64, fs="fat32", label="LABSTICK", mbr=False, files=None):
    """A raw stick image.  fs: fat32, fat16, exfat, ext4, none (zeros), noise.
    mbr: in one partition.  files: {name: bytes}, FAT only."""
    env = dict(os.environ, PATH=os.environ.get("PATH", "") + ":/usr/sbin:/sbin", MTOOLS_SKIP_CHECK="1")
    sec, start = size_mb * 2048, 2048 if mbr else 0
    part = path + ".fs"
    with open(part, "wb") as f:
        if fs == "noise":
            f.write(os.urandom(1 << 20))
        f.truncate((sec - start) * 512)

    def sh(*a):
        subprocess.run(a, check=True, env=env, stdout=subprocess.DEVNULL)
    if fs in ("fat32", "fat16"):
        hidden = ["-h", str(start)] if start else []
        sh("mkfs.vfat", "-F", fs[3:], "-n", label, *hidden, part)
        for name, data in (files or {}).items():
            d = os.path.dirname(name)
            for i in range(1, len(d.split("/")) + 1 if d else 0):
                subprocess.run(["mmd", "-i", part, "-D", "s", "::" + "/".join(d.split("/")[:i])], env=env,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            subprocess.run(["mcopy", "-i", part, "-o", "-", "::" + name], input=data, check=True, env=env)
    elif fs == "exfat":
        sh("mkfs.exfat", "-n", label, part)
    elif fs == "ext4":
        sh("mkfs.ext4", "-q", "-F", "-L", label, part)
    if mbr:
        with open(path, "wb") as f:
            f.truncate(sec * 512)
        kind = {"exfat": "7", "ext4": "83", "fat16": "e"}.get(fs, "c")
        subprocess.run(["sfdisk", "-q", path], input=("label: dos\nstart=%d, type=%s\n" % (start, kind)).encode(),
                       check=True, env=env)
        with open(part, "rb") as src, open(path, "r+b") as dst:
            off = 0
            while True:     # sparse: skip zeros
                b = src.read(1 << 20)
                if not b:
                    break
                if b.strip(b"\0"):
                    dst.seek(start * 512 + off)
                    dst.write(b)
                off += len(b)
        os.unlink(part)
    else:
        os.replace(part, path)
    return path


def stick_files(path, mbr=False):
    """{name: bytes} of a FAT stick image."""
    image = path + ("@@1048576" if mbr else "")
    env = dict(os.environ, MTOOLS_SKIP_CHECK="1")
    if b"No files" in subprocess.run(["mdir", "-i", image, "-a", "::"], check=True, env=env,
                                     stdout=subprocess.PIPE).stdout:
        return {}       # what lists names only calls that an error
    names = subprocess.run(["mdir", "-i", image, "-/", "-b", "::"], check=True, env=env,
                           stdout=subprocess.PIPE).stdout.decode().splitlines()
    out = {}
    for n in names:
        n = n.strip()
        if n and not n.endswith("/"):
            out[n[3:]] = subprocess.run(["mcopy", "-i", image, "-n", n, "-"], check=True, env=env,
                                        stdout=subprocess.PIPE).stdout
    return out
