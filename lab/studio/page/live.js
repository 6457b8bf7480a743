// The data of a server: everything under /api/, with the token from the page's address. The token stays out of addresses, which end up
// in histories and logs: it is kept for this tab alone.

const kept = "pxelab-studio-token";

export class Live {
  constructor(fragment) {
    if (fragment.token) sessionStorage.setItem(kept, fragment.token);
    this.token = sessionStorage.getItem(kept) || "";
    this.embedded = false;
  }

  async call(path, options) {
    const answer = await fetch("/api/" + path, {
      ...options,
      headers: { Authorization: "Bearer " + this.token, ...(options?.body ? { "Content-Type": "application/json" } : {}) },
    });
    if (answer.ok) return answer;
    throw await problem(answer);
  }

  async get(path) {
    return (await this.call(path)).json();
  }

  async post(path, body) {
    const answer = await this.call(path, { method: "POST", body: JSON.stringify(body) });
    const text = await answer.text();
    return text ? JSON.parse(text) : null;
  }

  about() {
    return this.get("about");
  }

  frame(number) {
    return this.get("frames/" + number);
  }

  // held opens the packet that the lab is, or was, held at: the item says which.
  held(item) {
    return this.get("held?item=" + item);
  }

  preview(changes) {
    return this.post("preview", { changes });
  }

  step(step) {
    return this.post("step", step);
  }

  keys(guest, data) {
    return this.post(`guests/${encodeURIComponent(guest)}/keys`, { data });
  }

  power(guest, action) {
    return this.post(`guests/${encodeURIComponent(guest)}/power`, { action });
  }

  lesson() {
    return this.get("lesson");
  }

  lessons() {
    return this.get("lessons");
  }

  answer(question, answer) {
    return this.post("lesson/answer", { question, answer });
  }

  async download(path) {
    return (await this.call(path)).blob();
  }

  // items calls back with each batch of items until there are no more. A stream that breaks off is taken up where it ended.
  async items(timeline, report) {
    for (let wait = 500; ; wait = Math.min(2 * wait, 5000)) {
      const had = timeline.last;
      try {
        await this.stream(timeline);
        return report("ended");
      } catch (e) {
        if (e.status && e.status < 500) throw e;
        report("lost", e);
      }
      if (timeline.last > had) wait = 500;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  async stream(timeline) {
    const answer = await this.call("items?from=" + (timeline.last + 1));
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      const items = lines.filter((line) => line.trim()).map((line) => JSON.parse(line));
      if (items.length) timeline.add(items);
    }
    if (rest.trim()) timeline.add([JSON.parse(rest)]);
  }
}

async function problem(answer) {
  let text = answer.statusText || "status " + answer.status;
  try {
    text = (await answer.json()).error || text;
  } catch {
    // not JSON: the status says enough
  }
  const e = new Error(text);
  e.status = answer.status;
  return e;
}
