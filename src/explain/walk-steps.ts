/** The walk of a name in sentences: what was asked in vain and why, then every record with the object that gave it. Pure. */
import type { ClientPlace } from './client-place.ts';
import type { NameAttempt, NameQuery, Step } from './explanation.ts';
import type { ResolvedName } from './name-walk.ts';

/** Records of one answer that are written out. */
const shown = 6;

/** One step for each name in vain, and one for each answer. */
export function walkSteps(client: ClientPlace, { walk, isAssumed }: ResolvedName): Step[] {
  const steps: Step[] = [];
  if (isAssumed) {
    const text = `${client.text} does not ask the cluster's DNS by itself; the name is resolved as a pod of namespace ${client.namespace} would`;
    steps.push({ code: 'note', text });
  }
  for (const [index, attempt] of walk.attempts.entries()) {
    const isAnswered = attempt.result === 'found' || attempt.result === 'alias';
    if (isAnswered) steps.push(...attempt.queries.flatMap((query) => answerSteps(attempt, query)));
    else steps.push({ code: 'name', text: vainText(attempt, index === walk.attempts.length - 1) });
  }
  // a name that is found at once raises no question of what may be remembered
  if (walk.attempts.some(({ result }) => result !== 'found'))
    steps.push({ code: 'cache', text: cachingText(walk.attempts.flatMap(({ queries }) => queries)) });
  return steps;
}

/** What may be remembered of the answers: a client that asked before a pod was ready goes on believing the denial for so long. */
function cachingText(queries: readonly NameQuery[]): string {
  const seconds = Math.max(...queries.map(({ cache }) => cache.clientSeconds ?? 0));
  const isOwn = queries.some(({ cache }) => cache.clientSeconds !== undefined);
  const isForwarded = queries.some(({ cache }) => cache.server === 'forwarded');
  const denials = queries.some(({ answers, cache }) => cache.clientSeconds !== undefined && answers.length === 0)
    ? ', denials too'
    : '';
  const own = `the name server makes answers about the cluster anew each time; a client may keep them for ${seconds} s${denials}`;
  const forwarded = 'what comes from elsewhere may be from its cache, as long as the TTL says';
  return [...(isOwn ? [own] : []), ...(isForwarded ? [forwarded] : [])].join('; ');
}

function vainText({ name, queries, result }: NameAttempt, isLast: boolean): string {
  const types = queries.map(({ type }) => type).join(', ');
  const onwards = isLast ? '' : '; the search goes on';
  const why = queries.find(({ reason }) => reason !== undefined)?.reason?.message;
  switch (result) {
    case 'foreign':
      return `${name} (${types}): not below the cluster domain, so an outside name server must know it${isLast ? '' : '; if it does not, the search goes on'}`;
    case 'empty':
      return `${name} (${types}): no data${why === undefined ? '' : `: ${why}`}${onwards}`;
    case 'missing':
    case 'found':
    case 'alias':
      return `${name} (${types}): NXDOMAIN${why === undefined ? '' : `: ${why}`}${onwards}`;
  }
}

function answerSteps({ name }: NameAttempt, { type, answers }: NameQuery): Step[] {
  // an alias that leads out of the cluster is the whole answer to each query: once is enough
  if (answers.length === 0 || (type === 'AAAA' && answers.every((record) => record.type === 'CNAME'))) return [];
  const bySource = new Map<string, string[]>();
  for (const record of answers.slice(0, shown)) {
    const text = `${record.type === type ? '' : `${record.type} `}${record.data}${record.endpoint === undefined ? '' : ` (${record.endpoint})`}`;
    bySource.set(record.from, [...(bySource.get(record.from) ?? []), text]);
  }
  const texts = [...bySource].map(([from, records]) => `${records.join(', ')} from ${from}`);
  const rest = answers.length > shown ? `; and ${answers.length - shown} more` : '';
  return [{ code: 'name', text: `${name} (${type}): ${texts.join('; ')}${rest}` }];
}
