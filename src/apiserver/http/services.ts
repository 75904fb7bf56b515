/** What the handlers share for the life of the server. */
import type { Logger } from '../../observe/index.ts';
import type { NodeAccess } from '../node-access.ts';
import type { RegistryContext } from '../registry/context.ts';
import type { TokenAuthority } from '../security/tokens.ts';

export interface Services {
  readonly context: RegistryContext;
  readonly logger: Logger;
  readonly tokens: TokenAuthority;
  /** Undefined while nothing runs pods. */
  nodeAccess(): NodeAccess | undefined;
  /** `HOST:PORT` of the first listener, for discovery. */
  address(): string;
}
