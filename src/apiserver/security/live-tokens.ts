/** Tokens end with what they stand for: the service account, and the object that they are bound to (KEP-1205). */
import { nodes, pods, secrets, serviceAccounts } from '../../api/index.ts';
import type { Resource } from '../../api/index.ts';
import type { Store } from '../store/index.ts';
import { storeKey } from '../store/index.ts';
import type { BoundKind, TokenAuthority } from './tokens.ts';

/** The kinds that a token can be bound to. */
export const boundResources: Readonly<Record<BoundKind, Resource>> = { pod: pods, secret: secrets, node: nodes };

/** The same authority, but a token of an account or a bound object that is gone, or was made anew, is none. */
export function createLiveTokens(authority: TokenAuthority, store: Store): TokenAuthority {
  const isThere = (
    resource: Resource,
    namespace: string,
    { name, uid }: { readonly name: string; readonly uid: string },
  ): boolean => {
    const scope = resource.namespaced ? namespace : '';
    return store.get(storeKey(resource.group, resource.plural, scope, name))?.object.metadata?.uid === uid;
  };
  return {
    issue: (token, now) => authority.issue(token, now),
    verify(text, now) {
      const token = authority.verify(text, now);
      if (token === undefined || !isThere(serviceAccounts, token.namespace, token)) return undefined;
      const { bound, namespace } = token;
      return bound === undefined || isThere(boundResources[bound.kind], namespace, bound) ? token : undefined;
    },
  };
}
