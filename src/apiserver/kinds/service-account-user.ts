/** The user that a service account is to the API. */
import type { User } from '../http/exchange.ts';

/** The user that a service account is to the API, with its groups. */
export function serviceAccountUser(account: { readonly namespace: string; readonly name: string; readonly uid: string }): User {
  const { namespace, name, uid } = account;
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  };
}
