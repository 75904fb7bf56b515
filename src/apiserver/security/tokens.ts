/** Bearer tokens of service accounts: JSON web tokens (RFC 7519), signed with this server's secret (HS256). */
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';

/** The service account that a token stands for, and for how long. */
export interface ServiceAccountToken {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly audiences: readonly string[];
  readonly expires: Date;
  /** The object that it ends with. */
  readonly bound?: BoundObject | undefined;
}

/** Kinds that a token may be bound to, as its claims name them. */
export type BoundKind = 'pod' | 'secret' | 'node';

export interface BoundObject {
  readonly kind: BoundKind;
  readonly name: string;
  readonly uid: string;
}

export interface TokenAuthority {
  issue(token: ServiceAccountToken, now: Date): string;
  /** The account of a token that this server issued and that has not expired; undefined for any other text. */
  verify(text: string, now: Date): ServiceAccountToken | undefined;
}

/** The issuer that tokens name, and their usual audience. */
export const tokenIssuer = 'https://kubernetes.default.svc.cluster.local';

/** Signs and checks with a secret of at least 32 bytes. */
export function createTokenAuthority(secret: string): TokenAuthority {
  const signatureOf = (signed: string): string => createHmac('sha256', secret).update(signed).digest('base64url');
  return {
    issue(token, now) {
      const { namespace, name, uid, audiences, expires, bound } = token;
      const claims = {
        aud: audiences,
        exp: seconds(expires),
        iat: seconds(now),
        nbf: seconds(now),
        iss: tokenIssuer,
        jti: randomUUID(),
        'kubernetes.io': {
          namespace,
          ...(bound === undefined ? {} : { [bound.kind]: { name: bound.name, uid: bound.uid } }),
          serviceaccount: { name, uid },
        },
        sub: `system:serviceaccount:${namespace}:${name}`,
      };
      const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
      return `${signed}.${signatureOf(signed)}`;
    },
    verify(text, now) {
      const [header = '', payload = '', signature = ''] = text.split('.');
      const expected = Buffer.from(signatureOf(`${header}.${payload}`));
      const given = Buffer.from(signature);
      if (expected.length !== given.length || !timingSafeEqual(expected, given)) return undefined;
      // The signature is ours, so the claims have the form that `issue` gave them.
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as IssuedClaims;
      if (claims.exp <= seconds(now)) return undefined;
      const { namespace, serviceaccount } = claims['kubernetes.io'];
      const bound = boundOf(claims);
      return { namespace, ...serviceaccount, audiences: claims.aud, expires: new Date(claims.exp * 1000), bound };
    },
  };
}

interface IssuedClaims {
  readonly aud: readonly string[];
  readonly exp: number;
  readonly 'kubernetes.io': {
    readonly namespace: string;
    readonly serviceaccount: Named;
  } & { readonly [Kind in BoundKind]?: Named };
}

interface Named {
  readonly name: string;
  readonly uid: string;
}

function boundOf(claims: IssuedClaims): BoundObject | undefined {
  for (const kind of ['pod', 'secret', 'node'] as const) {
    const named = claims['kubernetes.io'][kind];
    if (named !== undefined) return { kind, ...named };
  }
  return undefined;
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}
