import { cleanup } from "@testing-library/preact";
import { afterEach, vi } from "vitest";

// jsdom has no layout: no media queries.
vi.stubGlobal("matchMedia", (query: string) => ({ matches: false, media: query, addEventListener: () => undefined }));
afterEach(() => {
  cleanup();
});
