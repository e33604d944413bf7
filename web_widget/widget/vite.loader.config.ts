import { defineConfig } from "vite";

// The loader: one classic script at a fixed address, which host pages include.
export default defineConfig({
  build: {
    outDir: "../static",
    emptyOutDir: false,
    target: "es2020",
    copyPublicDir: false,
    lib: { entry: "src/loader/main.ts", formats: ["iife"], name: "JieliLoader", fileName: () => "widget.js" },
  },
});
