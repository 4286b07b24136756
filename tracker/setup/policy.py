"""Files that an administrator deploys: browser policies with a constrained certificate, and what starts the proxy."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from tracker.private import write_whole
from tracker.setup import SetupError
from tracker.setup.listed import listed_hosts
from tracker.setup.network import pac_url


def write_policies(db: Path, port: int, target: Path) -> Iterator[tuple[Path, str]]:
    """
    Write every file into ``target`` and yield it with what it is for.

    The certificate is this computer's; where each computer makes its own, the administrator fills in theirs.
    Raises SetupError.
    """
    from addon.authority import Authority

    try:
        authority = Authority.load_or_make(db.parent.resolve() / "authority", listed_hosts(db))
        pem = authority.certificate_path.read_text("ascii")
        files = {
            "chrome-edge-policy.json": (
                write_chromium_policy(pem, sorted(authority.hosts), port),
                "Chrome: /etc/opt/chrome/policies/managed, Edge: /etc/opt/edge/policies/managed, or by GPO",
            ),
            "firefox-policies.json": (
                write_firefox_policy("/etc/firefox/policies/klimaspor-ca.crt", port),
                "Firefox: /etc/firefox/policies/policies.json, with the certificate beside it",
            ),
            "klimaspor-ca.crt": (pem, "the certificate of this computer; its key stays where it is"),
            "klimaspor.service": (write_system_unit(port), "systemd: /etc/systemd/user, for every person's session"),
            "no.klimaspor.plist": (write_launch_agent(port), "macOS: /Library/LaunchAgents (not tried)"),
            "klimaspor-task.xml": (
                write_task(port),
                "Windows: schtasks /create /xml klimaspor-task.xml /tn klimaspor (not tried)",
            ),
        }
        target.mkdir(parents=True, exist_ok=True)
        for name, (text, purpose) in files.items():
            write_whole(target / name, text, 0o644)
            yield target / name, purpose
    except OSError as error:
        raise SetupError(
            "The files could not be written", f"{target} ({error.strerror})", "choose another folder"
        ) from None


def write_chromium_policy(pem: str, hosts: list[str], port: int) -> str:
    """Return the policy of the Chromium family: the certificate holds for these names and no others."""
    certificate = base64.b64encode(ssl.PEM_cert_to_DER_cert(pem)).decode()
    policy = {
        "CACertificatesWithConstraints": [
            {"certificate": certificate, "constraints": {"permitted_dns_names": hosts}},
        ],
        "ProxySettings": {"ProxyMode": "pac_script", "ProxyPacUrl": pac_url(port)},
    }
    return json.dumps(policy, indent=2) + "\n"


def write_firefox_policy(certificate: str, port: int) -> str:
    """Return Firefox's policies; the certificate carries its constraints itself."""
    policies = {
        "Certificates": {"Install": [certificate]},
        "Proxy": {"Mode": "autoConfig", "AutoConfigURL": pac_url(port), "Locked": False},
    }
    return json.dumps({"policies": policies}, indent=2) + "\n"


def write_system_unit(port: int) -> str:
    """Return a unit for everybody's own systemd; klimaspor is found on the path."""
    return f"""[Unit]
Description=klimaspor: the trail of your AI chats

[Service]
ExecStart=/usr/bin/env klimaspor start --port={port}
Restart=always
RestartSec=2
RuntimeMaxSec=7d
LimitCORE=0
UMask=0077
NoNewPrivileges=true

[Install]
WantedBy=default.target
"""


def write_launch_agent(port: int) -> str:
    """Return a launchd agent."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key><string>no.klimaspor</string>
  <key>ProgramArguments</key>
  <array>
    <string>/usr/bin/env</string><string>klimaspor</string><string>start</string><string>--port={port}</string>
  </array>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key><true/>
  <key>Umask</key><integer>63</integer>
</dict>
</plist>
"""


def write_task(port: int) -> str:
    """Return a task for the Windows scheduler: at logon, again after a failure."""
    arguments = escape(f"start --port={port}")
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Task version="1.4" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <Triggers><LogonTrigger><Enabled>true</Enabled></LogonTrigger></Triggers>
  <Principals>
    <Principal id="Author"><LogonType>InteractiveToken</LogonType><RunLevel>LeastPrivilege</RunLevel></Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure><Interval>PT1M</Interval><Count>10</Count></RestartOnFailure>
    <StartWhenAvailable>true</StartWhenAvailable>
    <Hidden>true</Hidden>
  </Settings>
  <Actions Context="Author"><Exec><Command>klimaspor</Command><Arguments>{arguments}</Arguments></Exec></Actions>
</Task>
"""
