/** JSON text -> the bytes of an answer in the negotiated media type. */
import type { Answer } from './exchange.ts';
import type { AnswerForm } from './media-type.ts';

/** An answer of JSON text, turned into YAML where that was asked for. */
export async function formAnswer(httpStatus: number, json: string, { mediaType }: AnswerForm): Promise<Answer> {
  if (mediaType === 'application/json') return { httpStatus, contentType: mediaType, body: `${json}\n` };
  const { stringify } = await import('yaml');
  // readers of YAML 1.1, as upstream's is, would take a bare time or `on` for something else than text
  return { httpStatus, contentType: mediaType, body: stringify(JSON.parse(json), { version: '1.1' }) };
}
