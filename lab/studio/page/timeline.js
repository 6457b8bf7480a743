// The timeline holds all items, and says how everything stood at any of them: of each thing the latest of its kind up to there.

// A Track is the states of one thing, in the order of their items.
class Track {
  constructor() {
    this.ns = [];
    this.values = [];
  }

  add(n, value) {
    this.ns.push(n);
    this.values.push(value);
  }

  at(n) {
    const i = countUpTo(this.ns, n);
    return i > 0 ? this.values[i - 1] : null;
  }
}

// countUpTo counts the numbers of an ascending list that are not above n.
export function countUpTo(list, n) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] <= n) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class Timeline {
  constructor() {
    this.last = 0; // the latest item's N
    this.ats = []; // when each item was, by N-1
    this.rows = []; // {id, n, at, track, first}, in the order of the diagram
    this.byID = new Map();
    this.byFrame = new Map(); // the row of a frame's number
    this.rowNs = []; // the items at which the diagram changed
    this.guests = new Map();
    this.services = new Map();
    this.verdicts = new Map();
    this.prints = new Map(); // of a guest: {ns, prints}
    this.hold = new Track();
    this.end = new Track();
    this.steps = []; // {n, section, frame, row}
    this.heard = [];
  }

  // listen calls back with each batch of new items.
  listen(callback) {
    this.heard.push(callback);
  }

  add(items) {
    for (const item of items) this.take(item);
    for (const callback of this.heard) callback(items);
  }

  take(item) {
    if (item.n <= this.last) return; // had already: a stream that was taken up again
    this.last = item.n;
    this.ats.push(item.at);
    if (item.row) this.takeRow(item);
    else if (item.guest) track(this.guests, item.guest.name).add(item.n, item.guest);
    else if (item.service) track(this.services, item.service.name).add(item.n, item.service);
    else if (item.hold) this.hold.add(item.n, { ...item.hold, n: item.n });
    else if (item.print) this.takePrint(item);
    else if (item.verdict) track(this.verdicts, item.verdict.guest).add(item.n, item.verdict);
    else if (item.step) this.steps.push({ n: item.n, ...item.step });
    else if (item.end) this.end.add(item.n, item.end);
  }

  takeRow(item) {
    let entry = this.byID.get(item.row.id);
    if (!entry) {
      entry = { id: item.row.id, n: item.n, at: item.at, track: new Track(), first: item.row };
      this.byID.set(entry.id, entry);
      this.rows.push(entry);
    }
    entry.track.add(item.n, item.row);
    this.rowNs.push(item.n);
    for (const frame of [item.row.frame, item.row.finished]) if (frame && !this.byFrame.has(frame)) this.byFrame.set(frame, entry.id);
  }

  takePrint(item) {
    let of = this.prints.get(item.print.guest);
    if (!of) this.prints.set(item.print.guest, (of = { ns: [], prints: [] }));
    of.ns.push(item.n);
    of.prints.push(item.print);
  }

  timeOf(n) {
    return n > 0 ? this.ats[Math.min(n, this.ats.length) - 1] : 0;
  }

  // atTime is the number of the latest item at a time.
  atTime(at) {
    return countUpTo(this.ats, at);
  }
}

function track(map, name) {
  let of = map.get(name);
  if (!of) map.set(name, (of = new Track()));
  return of;
}
