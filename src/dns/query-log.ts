/** One log line for each query, for whoever asked for it (`log` in a Corefile). */
import { formatName, lowerCaseWire } from '../names/index.ts';
import type { Logger } from '../observe/index.ts';
import { messageOf } from '../observe/index.ts';
import type { LogConfig, QueryClass } from './corefile/corefile-config.ts';
import { isBelow, zoneSuffix } from './forwarding/forward.ts';
import type { Question } from './wire/message.ts';
import { decodeMessage } from './wire/message.ts';
import { rcodeName, rcodes, typeName } from './wire/protocol.ts';
import type { QueryHandler } from './query-handler.ts';

/** The same handler, which also writes who asked what and what the answer was, as far as names and classes are wanted. */
export function withQueryLog(handle: QueryHandler, wanted: LogConfig, logger: Logger): QueryHandler {
  const zones = wanted.zones.map(zoneSuffix);
  const classes = new Set(wanted.classes);
  return (packet, length, client) => {
    const question = questionOf(packet.slice(0, length));
    const name = 'problem' in question ? '\0' : lowerCaseWire(question.name);
    if (!zones.some((zone) => isBelow(name, zone))) return handle(packet, length, client);
    const startedMs = performance.now();
    const write = (answer: Uint8Array | undefined): void => {
      if (!classes.has(classOf(answer))) return;
      logger.info(
        {
          ...('problem' in question ? question : { name: formatName(question.name), type: typeName(question.type) }),
          rcode: answer === undefined ? 'none' : rcodeName((answer[3] ?? 0) & 15),
          bytes: answer?.length ?? 0,
          durationMs: performance.now() - startedMs,
          client: client.address,
          proto: client.isTcp ? 'tcp' : 'udp',
        },
        'query',
      );
    };
    const answer = handle(packet, length, client);
    if (typeof answer === 'number') {
      write(answer > 0 ? packet.subarray(0, answer) : undefined);
      return answer;
    }
    return answer.then((messages) => {
      write(messages[0]);
      return messages;
    });
  };
}

/** As CoreDNS sorts them: a name or a type that does not exist is a denial, every other code an error. */
function classOf(answer: Uint8Array | undefined): QueryClass {
  if (answer === undefined) return 'error';
  const rcode = (answer[3] ?? 0) & 15;
  if (rcode === rcodes.NXDOMAIN) return 'denial';
  if (rcode !== rcodes.NOERROR) return 'error';
  return (answer[6] ?? 0) === 0 && (answer[7] ?? 0) === 0 ? 'denial' : 'success';
}

function questionOf(query: Uint8Array): Question | { readonly problem: string } {
  try {
    const [question] = decodeMessage(query).questions;
    return question ?? { problem: 'no question' };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}
