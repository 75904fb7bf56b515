/**
 * The rest of a search path, walked here instead of by the client: a name that is missing below `<namespace>.svc.<zone>` is
 * looked up below the other suffixes and then as it stands, and the first that exists is the answer, as an alias of what was
 * asked for. That saves the client four to six queries for each name of elsewhere (CoreDNS `autopath`). Pure but for its lookup.
 */
import { labelsOf, lowerCaseWire, mustEncodeName, rrTypes } from '../../names/index.ts';
import type { Message, ResourceRecord } from '../wire/message.ts';
import { bytesOf } from '../wire/message.ts';
import { classIn, rcodes } from '../wire/protocol.ts';

export interface AutopathOptions {
  /** Suffixes that pods have behind those of the cluster: what the node's resolv.conf gave them. */
  readonly search: readonly string[];
}

/**
 * The names that a pod's resolver would ask for after `name`, in order: absolute, in wire form. `name` is absolute wire form and
 * stands below `<namespace>.svc.<zone>`; `zoneWire` is lower case, without terminator.
 */
export function namesAfter(name: string, zoneWire: string, search: readonly string[]): string[] {
  const own = name.length - 1 - zoneWire.length;
  const labels = labelsOf(name.slice(0, own));
  const typed = labels.slice(0, -2).reduce((wire, label) => `${wire}${String.fromCharCode(label.length)}${label}`, '');
  const zone = name.slice(own, -1);
  const suffixes = [`\x03svc${zone}`, zone, ...search.map((suffix) => lowerCaseWire(mustEncodeName(suffix))), ''];
  return suffixes.map((suffix) => `${typed}${suffix}\0`).filter((wire) => wire.length <= 255);
}

/**
 * Asks for each name in turn. The first that exists is the answer, also when it has no record of the type: a client's own walk
 * may go on then, but what it found would be another name's. Undefined when none does, or when it is not known whether one does:
 * the client then walks on by itself.
 */
export async function walkSearchPath(
  query: Message,
  names: readonly string[],
  lookUp: (query: Message) => Promise<Message>,
): Promise<Message | undefined> {
  const [question] = query.questions;
  if (question === undefined) return undefined;
  for (const name of names) {
    const answer = await lookUp({ ...query, questions: [{ ...question, name }] });
    if (answer.rcode === rcodes.NXDOMAIN) continue;
    if (answer.rcode !== rcodes.NOERROR) return undefined;
    return { ...answer, questions: query.questions, answers: [aliasTo(question.name, name, answer), ...answer.answers] };
  }
  return undefined;
}

/** Lives as long as what it leads to. */
function aliasTo(owner: string, target: string, { answers, authorities }: Message): ResourceRecord {
  const ttlSeconds = (answers[0] ?? authorities[0])?.ttlSeconds ?? 0;
  return { name: owner, type: rrTypes.CNAME, class: classIn, ttlSeconds, data: bytesOf(target) };
}
