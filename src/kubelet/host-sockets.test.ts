import assert from 'node:assert/strict';
import { test } from 'node:test';
import { visibleSockets } from './host-sockets.ts';

test('sockets by path that no directory of its own hides from a container are found, once each', () => {
  const text = `Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 16400 /srv/db/my socket
0000000000000000: 00000003 00000000 00000000 0001 03 16401 /srv/db/my socket
0000000000000000: 00000002 00000000 00010000 0001 01   164 /var/lib/x.sock
0000000000000000: 00000002 00000000 00010000 0001 01 16403 /run/systemd/private
0000000000000000: 00000002 00000000 00010000 0001 01 16404 @/tmp/.X11-unix/X0
0000000000000000: 00000002 00000000 00010000 0001 01 16405 /home/jane/agent
0000000000000000: 00000002 00000000 00010000 0001 01 16407 relative
0000000000000000: 00000003 00000000 00000000 0001 03 16406
`;
  assert.deepEqual(visibleSockets(text, ['/home']), ['/srv/db/my socket', '/var/lib/x.sock']);
});
