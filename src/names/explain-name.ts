/**
 * Why a name has the answer that it has: the same index, the same records, each with the object that gave it; and where
 * there is none, the first thing that is missing, and every endpoint that was withheld. Pure.
 */
import { parseIp } from '../net/index.ts';
import type { EndpointView } from './endpoint-views.ts';
import { endpointViews } from './endpoint-views.ts';
import { explainMissing } from './explain-missing.ts';
import type { ExplainedRecord, NameExplanation, NameReason, RecordSource } from './explanation.ts';
import type { NameIndex } from './name-index.ts';
import { rrsetOf } from './name-index.ts';
import { parseDashedLabel } from './pod-label.ts';
import type { RRset } from './rrset.ts';
import { formatAddress, recordTexts, rrTypes } from './rrset.ts';
import { isHeadless } from './service-records.ts';
import { addressToWire, encodeName, formatName, labelsOf, lowerCaseWire, stripZone } from './wire-name.ts';

/** Explains the answer to one question. `name` is absolute (a final dot changes nothing), `type` a type's name such as `A`. Never throws. */
export function explainName(index: NameIndex, name: string, type: string): NameExplanation {
  const wire = lowerCaseWire(encodeName(name) ?? '');
  const base = { name: formatName(wire), type: type.toUpperCase(), withheld: [] };
  if (wire === '') {
    return {
      ...base,
      name,
      rcode: 'REFUSED',
      answers: [],
      reason: { code: 'malformed-name', message: `${JSON.stringify(name)} is no domain name` },
    };
  }
  const relative = stripZone(wire, index.zoneWire);
  if (relative !== undefined) return explainForward(index, relative, base);
  const arpa = stripZone(wire, '\x04arpa');
  if (arpa !== undefined && (arpa.endsWith('\x07in-addr') || arpa.endsWith('\x03ip6'))) return explainReverse(index, arpa, base);
  const message = `${base.name} is not below ${index.zone}, so it is not a name of this cluster`;
  return { ...base, rcode: 'REFUSED', answers: [], reason: { code: 'outside-zone', message } };
}

interface Base {
  readonly name: string;
  readonly type: string;
  readonly withheld: readonly EndpointView[];
}

function explainForward(index: NameIndex, first: string, base: Base): NameExplanation {
  const answers: ExplainedRecord[] = [];
  const seen = new Set<string>();
  const isFollowed = base.type !== 'CNAME' && base.type !== 'ANY';
  let relative = first;
  for (;;) {
    if (relative === '') return explainApex(index, base, index.zone, answers);
    const node = index.forward.findText(relative);
    const alias = node === undefined ? undefined : rrsetOf(node, rrTypes.CNAME);
    if (alias === undefined) break;
    seen.add(relative);
    answers.push(...explainRecords(index, relative, alias));
    if (!isFollowed) return { ...base, rcode: 'NOERROR', answers };
    const target = alias.items[0] ?? '';
    if (alias.nameAt < 0) {
      const message = `the alias leads to ${formatName(target)}, outside ${index.zone}: an upstream server must answer for it`;
      return { ...base, rcode: 'NOERROR', answers, reason: { code: 'alias-leaves-zone', message } };
    }
    if (seen.has(target)) {
      const message = `the alias leads back to ${formatName(target)}.${index.zone}`;
      return { ...base, rcode: 'NOERROR', answers, reason: { code: 'alias-loop', message } };
    }
    relative = target;
  }
  return { ...base, ...explainTerminal(index, relative, base.type, answers) };
}

function explainTerminal(
  index: NameIndex,
  relative: string,
  type: string,
  before: readonly ExplainedRecord[],
): Omit<NameExplanation, 'name' | 'type'> {
  const labels = labelsOf(relative);
  const withheld = withheldOf(index, labels);
  const pod = podAddress(index, labels);
  if (pod !== undefined) {
    const isAsked = type === (pod.length === 4 ? 'A' : 'AAAA');
    const namespace = labels[1] ?? '';
    const owner = `${formatName(relative)}.${index.zone}`;
    const source: RecordSource = { kind: 'Pod', namespace, pods: index.podsAt(namespace, pod) };
    const record = {
      owner,
      type: pod.length === 4 ? 'A' : 'AAAA',
      ttlSeconds: index.ttlSeconds,
      data: formatAddress(pod),
      source,
    };
    if (isAsked) return { rcode: 'NOERROR', answers: [...before, record], withheld };
    const message = `the name stands for ${formatAddress(pod)}, which is no ${type} data`;
    return { rcode: 'NOERROR', answers: before, withheld, reason: { code: 'wrong-family', message } };
  }
  const node = index.forward.findText(relative);
  if (node === undefined) return { rcode: 'NXDOMAIN', answers: before, withheld, reason: explainMissing(index, labels) };
  const wanted = node.rrsets.filter((rrset) => typeText(rrset.type) === type);
  if (wanted.length > 0) {
    return {
      rcode: 'NOERROR',
      answers: [...before, ...wanted.flatMap((rrset) => explainRecords(index, relative, rrset))],
      withheld,
    };
  }
  return {
    rcode: 'NOERROR',
    answers: before,
    withheld,
    reason: noData(
      `${formatName(relative)}.${index.zone}`,
      type,
      node.rrsets.map((rrset) => typeText(rrset.type)),
    ),
  };
}

function explainReverse(index: NameIndex, arpa: string, base: Base): NameExplanation {
  if (labelsOf(arpa).length === 1) return explainApex(index, base, base.name, []);
  const node = index.reverse.findText(arpa);
  if (node === undefined) {
    const message =
      'no Service has this cluster IP and no ready endpoint has this address (bare pods and external addresses have no reverse name)';
    return { ...base, rcode: 'NXDOMAIN', answers: [], reason: { code: 'no-such-address', message } };
  }
  if (base.type !== 'PTR' || node.rrsets.length === 0) {
    const types = node.rrsets.map((rrset) => typeText(rrset.type));
    return { ...base, rcode: 'NOERROR', answers: [], reason: noData(base.name, base.type, types) };
  }
  const answers = node.rrsets.flatMap((rrset) =>
    rrset.items.map((target, at) => ({
      owner: base.name,
      type: 'PTR',
      ttlSeconds: rrset.ttlSeconds,
      data: recordTexts(rrset, index.zone)[at] ?? '',
      source: sourceOfName(index, labelsOf(target), undefined),
    })),
  );
  return { ...base, rcode: 'NOERROR', answers };
}

/** The own name of the cluster domain or of a reverse zone. */
function explainApex(index: NameIndex, base: Base, owner: string, answers: ExplainedRecord[]): NameExplanation {
  const record = { owner, type: base.type, ttlSeconds: index.ttlSeconds, source: { kind: 'zone' } as const };
  if (base.type === 'NS')
    answers.push(...recordTexts(index.nameServers, index.zone).map((data) => Object.assign({ data }, record)));
  if (base.type === 'SOA') {
    const data = `ns.dns.${index.zone}. hostmaster.${index.zone}. ${index.serial} 7200 1800 86400 ${index.ttlSeconds}`;
    answers.push({ ...record, ttlSeconds: Math.min(300, index.ttlSeconds), data });
  }
  if (base.type === 'NS' || base.type === 'SOA') return { ...base, rcode: 'NOERROR', answers };
  return { ...base, rcode: 'NOERROR', answers, reason: noData(owner, base.type, ['SOA', 'NS']) };
}

function explainRecords(index: NameIndex, relative: string, rrset: RRset): ExplainedRecord[] {
  const labels = labelsOf(relative);
  return recordTexts(rrset, index.zone).map((data, at) => ({
    owner: `${formatName(relative)}.${index.zone}`,
    type: typeText(rrset.type),
    ttlSeconds: rrset.ttlSeconds,
    data,
    source:
      rrset.type === rrTypes.SRV
        ? sourceOfName(index, labelsOf((rrset.items[at] ?? '').slice(rrset.nameAt)), undefined)
        : sourceOfName(index, labels, rrset.itemBytes > 0 ? data : undefined),
  }));
}

/** The object behind a name `[<label>.]<service>.<namespace>.svc`, and behind one of its addresses when given. */
function sourceOfName(index: NameIndex, labels: readonly string[], address: string | undefined): RecordSource {
  if (labels.at(-1) !== 'svc' || labels.length < 3) return { kind: 'zone' };
  const [serviceName = '', namespace = ''] = labels.slice(-3);
  const known = index.service(namespace, serviceName);
  if (known?.service === undefined) return { kind: 'zone' };
  const label = labels.length === 4 ? labels[0] : undefined;
  const endpoint = endpointViews(index, known).find(
    ({ view }) =>
      view.isReady &&
      (label === undefined || view.label === label) &&
      (address === undefined || sameAddress(view.address, address)),
  );
  const isOwn = label === undefined && labels.length === 3 && !isHeadless(known.service);
  if (endpoint === undefined || isOwn) {
    const field =
      known.service.spec?.type === 'ExternalName'
        ? 'spec.externalName'
        : address === undefined
          ? 'spec.ports'
          : 'spec.clusterIPs';
    return { kind: 'Service', namespace, name: serviceName, field };
  }
  return { kind: 'EndpointSlice', namespace, name: endpoint.slice.metadata?.name ?? '', endpoint: endpoint.view };
}

function withheldOf(index: NameIndex, labels: readonly string[]): EndpointView[] {
  if (labels.at(-1) !== 'svc' || labels.length < 3) return [];
  const [serviceName = '', namespace = ''] = labels.slice(-3);
  const known = index.service(namespace, serviceName);
  if (known?.service === undefined) return [];
  // A cluster IP Service's own name does not depend on its endpoints.
  if (labels.length === 3 && !isHeadless(known.service)) return [];
  return endpointViews(index, known)
    .map(({ view }) => view)
    .filter((view) => !view.isReady);
}

/** The address that `<label>.<namespace>.pod` stands for, when the pod mode gives it a name. */
function podAddress(index: NameIndex, labels: readonly string[]): string | undefined {
  const [label = '', namespace = '', branch] = labels;
  if (labels.length !== 3 || branch !== 'pod' || index.podMode === 'disabled' || !index.hasNamespace(namespace)) return undefined;
  const bytes = new Uint8Array(16);
  const text = Uint8Array.from(label, (character) => character.charCodeAt(0));
  const length = parseDashedLabel(text, 0, text.length, bytes);
  if (length === 0) return undefined;
  const wire = String.fromCharCode(...bytes.subarray(0, length));
  return index.podMode === 'insecure' || index.podsAt(namespace, wire).length > 0 ? wire : undefined;
}

function noData(name: string, type: string, types: readonly string[]): NameReason {
  if (types.length === 0) return { code: 'name-has-no-data', message: `${name} exists, but only has names below it` };
  const isFamily = (type === 'A' && types.includes('AAAA')) || (type === 'AAAA' && types.includes('A'));
  return {
    code: isFamily ? 'wrong-family' : 'no-data-of-type',
    message: `${name} exists and has ${types.join(', ')}, but no ${type}`,
  };
}

function typeText(type: number): string {
  return Object.entries(rrTypes).find(([, number]) => number === type)?.[0] ?? `TYPE${type}`;
}

function sameAddress(a: string, b: string): boolean {
  const [left, right] = [parseIp(a), parseIp(b)];
  return left !== undefined && right !== undefined && addressToWire(left) === addressToWire(right);
}
