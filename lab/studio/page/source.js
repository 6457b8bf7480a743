// Where the page's data comes from: the server that sent it, or the exported file that it is in. Both answer the same calls.
import { Live } from "./live.js";
import { Embedded, isEmbedded } from "./embedded.js";

export function openSource(fragment) {
  return isEmbedded() ? new Embedded() : new Live(fragment);
}
