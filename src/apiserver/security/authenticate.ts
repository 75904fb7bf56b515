/** Who sends a request: a bearer token of this server, a service account's token, or a client certificate of our authority. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { User } from '../http/exchange.ts';
import { serviceAccountUser } from '../kinds/service-account-user.ts';
import { tokenIssuer } from './tokens.ts';
import type { TokenAuthority } from './tokens.ts';

/** Finds the user of a request; undefined without valid credentials. There are no anonymous users. */
export type Authenticator = (request: IncomingMessage) => User | undefined;

/** The holder of the server's own token. */
export const adminUser: User = { name: 'fairlead-admin', groups: ['system:masters', 'system:authenticated'] };

/** An authenticator. `tokens` are the server's own, each the administrator's. */
export function createAuthenticator(tokens: readonly string[], authority: TokenAuthority, now: () => Date): Authenticator {
  const digests = tokens.map(digestOf);
  const userOf = (request: IncomingMessage): User | undefined => {
    const header = request.headers.authorization ?? '';
    const token = /^Bearer +(\S+)$/i.exec(header)?.[1];
    if (token === undefined) return header === '' ? certificateUser(request) : undefined;
    const digest = digestOf(token);
    if (digests.some((known) => timingSafeEqual(known, digest))) return adminUser;
    const account = token.includes('.') ? authority.verify(token, now()) : undefined;
    // a token for somebody else opens nothing here
    return account?.audiences.includes(tokenIssuer) === true ? serviceAccountUser(account) : undefined;
  };
  return (request) => {
    const user = userOf(request);
    return user === undefined ? undefined : impersonated(request, user);
  };
}

/** Everybody may do everything here, being somebody else included (kubectl --as). */
function impersonated({ headersDistinct }: IncomingMessage, user: User): User {
  const [name] = headersDistinct['impersonate-user'] ?? [];
  if (name === undefined || name === '') return user;
  const groups = new Set(headersDistinct['impersonate-group'] ?? []).add('system:authenticated');
  return { name, groups: [...groups] };
}

function certificateUser({ socket }: IncomingMessage): User | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const { subject } = socket.getPeerCertificate();
  // A name may hold several organizations, whatever the types say.
  const groups = [(subject as { readonly O?: string | readonly string[] } | undefined)?.O ?? []].flat();
  return subject === undefined ? undefined : { name: [subject.CN].flat().join(','), groups: [...groups, 'system:authenticated'] };
}

/** Of equal length whatever the token, so that comparing tells nothing. */
function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
