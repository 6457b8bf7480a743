// The data of an exported file: blocks of JSON in the page itself, the larger ones packed.

export function isEmbedded() {
  return document.getElementById("studio-about") !== null;
}

const nowhere = "this is an exported file: there is no lab behind it";

// forms are the ways in which an answer is written, as lab/lesson has them (formsOf): its words; the number, or the octets, that it is.
export function forms(text) {
  const plain = text.trim().replace(/\s+/g, " ").toLowerCase().replace(/^["'. ]+|["'. ]+$/g, "");
  const out = ["=" + plain];
  const number = /^(\d+|0x[0-9a-f]+)$/.test(plain) ? BigInt(plain) : -1n;
  if (number >= 0n && number < 1n << 64n) out.push("#" + number);
  const octets = plain.replace(/[:\- ]/g, "");
  if (/^([0-9a-f]{2}){2,}$/.test(octets)) out.push("x" + octets);
  return out;
}

export class Embedded {
  constructor() {
    this.embedded = true;
    this.chunks = new Map();
  }

  async about() {
    return block("studio-about");
  }

  async items(timeline, report) {
    timeline.add(await block("studio-items"));
    report("ended");
  }

  async frame(number) {
    const chunk = this.chunkOf(number);
    if (!chunk) throw new Error(`frame ${number} is not in this file`);
    if (!this.chunks.has(chunk.id)) this.chunks.set(chunk.id, block(chunk.id));
    const frame = (await this.chunks.get(chunk.id))[number];
    if (!frame) throw new Error(`frame ${number} is not in this file`);
    return frame;
  }

  async held(item) {
    this.packets ||= block("studio-held");
    return (await this.packets)[item];
  }

  chunkOf(number) {
    return [...document.querySelectorAll("script[data-from][data-to]")].find((s) => number >= Number(s.dataset.from) && number <= Number(s.dataset.to));
  }

  async lesson() {
    return block("studio-lesson");
  }

  async lessons() {
    return [];
  }

  async answer(question, text) {
    this.keys ||= block("studio-answers");
    const key = (await this.keys)[question];
    if (!key) throw new Error("this run does not have the answer");
    const right = key.choice ? text.trim() === key.choice : forms(text).some((form) => key.forms.includes(form));
    return { right, explain: right ? key.right : key.wrong, frame: key.frame, field: key.field };
  }

  async download() {
    throw new Error(nowhere);
  }
}

// block reads a block of data of the page: JSON, or JSON that is packed by gzip and written in base64.
async function block(id) {
  const script = document.getElementById(id);
  if (!script) throw new Error(`this file has no block ${id}: it is not whole`);
  const text = script.textContent.trim();
  if (script.type === "application/json") return JSON.parse(text);
  const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const opened = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(opened).json();
}
