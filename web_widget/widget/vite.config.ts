import { defineConfig } from "vitest/config";

// The chat: a page of Jieli's own origin, shown in an iframe under /widget/. It works under script-src/style-src 'self'.
export default defineConfig({
  base: "/widget/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: { outDir: "../static/widget", emptyOutDir: true, target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: { "/api": "http://127.0.0.1:8400", "/ws": { target: "ws://127.0.0.1:8400", ws: true } } },
  test: { name: "widget", environment: "jsdom", include: ["tests/**/*.test.{ts,tsx}"], setupFiles: ["tests/setup.ts"] },
});
