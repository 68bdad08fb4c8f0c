"""What a sweep costs beside its trials: runs `sweep_overhead.py`.

Scripts in this folder, and what they import, find this file when they ask for the standard library's `platform`: it then
hands them that.
"""

import sys

if __name__ == "platform":
    import importlib.util
    import sysconfig

    spec = importlib.util.spec_from_file_location("platform", f"{sysconfig.get_path('stdlib')}/platform.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["platform"] = module
    spec.loader.exec_module(module)
else:
    from sweep_overhead import main

    main()
