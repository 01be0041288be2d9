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
        "command": [sys.executable, "-m", "workbench.notebook.proxied", "{port}"],
        "absolute_url": False,
        "timeout": 120,  # the first start loads a lot
        "launcher_entry": {"title": "Dashboards", "path_info": "dashboard/"},
    }
}
