/** One log line for each query, for whoever asked for it (`log` in a Corefile). */
import { formatName } from '../names/index.ts';
import type { Logger } from '../observe/index.ts';
import { messageOf } from '../observe/index.ts';
import { decodeMessage } from './message.ts';
import { rcodeName, typeName } from './protocol.ts';
import type { QueryClient, QueryHandler } from './query-handler.ts';

/** The same handler, which also writes who asked what and what the answer was. */
export function withQueryLog(handle: QueryHandler, logger: Logger): QueryHandler {
  return (packet, length, client) => {
    const question = questionOf(packet.slice(0, length));
    const startedMs = performance.now();
    const write = (answer: Uint8Array | undefined): void => {
      const rcode = answer === undefined ? 'none' : rcodeName((answer[3] ?? 0) & 15);
      const facts = {
        ...question,
        rcode,
        bytes: answer?.length ?? 0,
        durationMs: performance.now() - startedMs,
        ...clientFacts(client),
      };
      logger.info(facts, 'query');
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

function clientFacts(client: QueryClient): { readonly client: string; readonly proto: string } {
  return { client: client.address, proto: client.isTcp ? 'tcp' : 'udp' };
}

function questionOf(query: Uint8Array): object {
  try {
    const { questions } = decodeMessage(query);
    const [question] = questions;
    return question === undefined ? {} : { name: formatName(question.name), type: typeName(question.type) };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}
