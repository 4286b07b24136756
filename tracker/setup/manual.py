"""The steps by hand on systems where set-up changes nothing, because it was never tried there."""

from __future__ import annotations

from pathlib import Path

from tracker.setup.network import pac_url


def list_manual_steps(platform: str, folder: Path, port: int) -> list[str]:
    """Return the lines to read and type on macOS (``darwin``) or Windows (``win32``), each step with its undo."""
    certificate = folder / "authority" / "klimaspor-ca.crt"
    pac = pac_url(port)
    head = [
        "On this system klimaspor changes nothing by itself: these steps were written from documentation, not tried.",
        "The easy way needs none of them: klimaspor browser",
        "",
        "1. Start the proxy, which also makes the certificate",
        "   klimaspor start --detach",
        "   undo: klimaspor stop",
    ]
    match platform:
        case "darwin":
            return [
                *head,
                "2. Trust the certificate for websites, for yourself only",
                f"   security add-trusted-cert -p ssl -k ~/Library/Keychains/login.keychain-db '{certificate}'",
                f"   undo: security remove-trusted-cert '{certificate}'",
                "3. Send the listed hosts, and only those, to the proxy (for each network service you use)",
                "   networksetup -listallnetworkservices",
                f"   networksetup -setautoproxyurl Wi-Fi {pac}",
                "   undo: networksetup -setautoproxystate Wi-Fi off",
                "If a PAC file or a proxy is set already, leave out step 3, which replaces it. Use klimaspor browser.",
            ]
        case "win32":
            return [
                *head,
                "2. Trust the certificate, for yourself only",
                f'   certutil -user -addstore Root "{certificate}"',
                "   undo: certutil -user -delstore Root, with the serial number that certutil -user -store Root shows",
                "3. Settings > Network > Proxy > Use setup script",
                f"   {pac}",
                "   undo: switch Use setup script off",
                "If a script or a proxy is set already, leave out step 3, which replaces it. Use klimaspor browser.",
            ]
        case _:
            return [*head, f"2. Trust {certificate} in your browser", f"3. Set the PAC address {pac} in your browser"]
