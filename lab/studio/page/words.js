// How things are said: times, sizes, protocols. Each protocol has a colour, and a letter for who cannot tell the colours apart.

export const protocols = {
  dhcp: { letter: "D", name: "DHCP" },
  pxe: { letter: "P", name: "PXE (port 4011, boot servers)" },
  dhcp6: { letter: "6", name: "DHCPv6" },
  tftp: { letter: "T", name: "TFTP" },
  http: { letter: "H", name: "HTTP" },
  arp: { letter: "A", name: "ARP" },
  nd: { letter: "N", name: "neighbour discovery" },
  icmp: { letter: "I", name: "ICMP" },
  igmp: { letter: "G", name: "IGMP" },
  tcp: { letter: "C", name: "TCP" },
  udp: { letter: "U", name: "UDP" },
  other: { letter: "?", name: "other" },
};

export function protocol(name) {
  return protocols[name] ? name : "other";
}

// harmless tells whether a transfer went on, or ended, as its client meant it to.
export function harmless(outcome) {
  return !outcome || outcome === "whole" || outcome === "size only";
}

export const stages = ["power", "firmware", "link", "discover", "offer", "address", "proxy", "boot-server", "download", "started", "reported", "off"];

// seconds writes a time since the run began.
export function seconds(nanoseconds) {
  const s = nanoseconds / 1e9;
  return s < 100 ? s.toFixed(3) : s.toFixed(1);
}

export function octets(count) {
  if (count < 10000) return `${count} octets`;
  if (count < 10 * 1024 * 1024) return `${(count / 1024).toFixed(0)} KiB`;
  return `${(count / 1024 / 1024).toFixed(1)} MiB`;
}

export function plural(count, one, many) {
  return `${count} ${count === 1 ? one : many || one + "s"}`;
}

// laneName is a lane's name by its identity alone.
export function laneName(id) {
  if (id === "*") return "everybody";
  const colon = id.indexOf(":");
  return colon < 0 ? id : id.slice(colon + 1);
}

// shortName is a name for where there is little room: of a hardware address the end, which tells machines apart.
export function shortName(name) {
  return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(name) ? "…" + name.slice(9) : name;
}

// progress says how far a transfer is.
export function progress(row) {
  const parts = [];
  if (row.outcome === "size only") return `only its size: ${octets(row.size || 0)}`;
  if (row.size) parts.push(row.bytes >= row.size ? octets(row.size) : `${octets(row.bytes || 0)} of ${octets(row.size)}`);
  else if (row.bytes) parts.push(octets(row.bytes));
  if (row.resent) parts.push(`${row.resent} sent again`);
  if (row.outcome) parts.push(row.outcome);
  return parts.join(", ");
}

// marks are the things said of a row besides its label.
export function marks(row) {
  const said = [];
  if (row.repeat) said.push(row.repeat === 1 ? "again" : `again, ${row.repeat}×`);
  if (row.bad) said.push(row.bad);
  return said;
}

// sentence is a row for who hears it.
export function sentence(row, at) {
  const way = row.kind === "note" ? laneName(row.from) : `${laneName(row.from)} to ${laneName(row.to || "*")}`;
  const what = [row.label, row.kind === "transfer" ? progress(row) : "", ...marks(row)].filter(Boolean).join(", ");
  const proto = row.proto ? ` ${protocols[protocol(row.proto)].name},` : "";
  return `${seconds(at)} s,${proto} ${way}: ${what}`;
}
