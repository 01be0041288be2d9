"""The server beneath JupyterLab: the workbench's kernel, no telemetry, and the dashboards through its own port."""

import sys

c = get_config()  # noqa: F821 - what Jupyter gives to a file of settings

c.EventLogger.handlers = []
c.KernelSpecManager.ensure_native_kernel = False
c.KernelSpecManager.allowed_kernelspecs = {"trading-workbench"}
c.MultiKernelManager.default_kernel_name = "trading-workbench"
c.ServerProxy.servers = {
    "dashboard": {
        # Started when somebody opens it, ended with the server.
        "command": [
            *(sys.executable, "-c", "from workbench.cli import main; main()"),
            *("dashboard", "--no-browser", "--port", "{port}"),
        ],
        # Who may connect is decided here, by token and origin; the dashboards then listen to this proxy alone.
        "request_headers_override": {"Origin": "http://127.0.0.1:{port}"},
        "absolute_url": False,
        "timeout": 120,  # seconds; the first start loads a lot
        "launcher_entry": {"title": "Dashboards", "path_info": "dashboard/"},
    }
}
