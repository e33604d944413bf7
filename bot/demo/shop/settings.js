window.jieliSettings = { inbox: "default" };
