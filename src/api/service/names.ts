/** The name rule of Services and of their ports. */
import { dns1123Label, dns1123Subdomain, maxLengthMessage } from '../validation/identifiers.ts';

/**
 * A DNS-1123 label: since 1.36 Service names may start with a digit (RelaxedServiceNameValidation). A text that would be a
 * good subdomain has just one fault, and upstream names it: the dots.
 */
export function serviceLabel(text: string): string[] {
  if (!text.includes('.') || dns1123Subdomain(text).length > 0) return dns1123Label(text);
  return [...(text.length > 63 ? [maxLengthMessage(63)] : []), 'must not contain dots'];
}
