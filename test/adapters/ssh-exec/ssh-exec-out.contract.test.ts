import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe } from 'vitest';
import sshExecOut from '../../../adapters/ssh/exec/ssh-exec-out.ts';
import { sshServer } from '../../../sandbox/ssh.ts';
import { describeOutbound, type OutboundPeer } from '../../contract/outbound.contract.ts';
import { noSshServer, sftpTo } from '../../support/ssh-server.ts';

/** Waits while there is a file `held`, refuses as the file `refused` says, and keeps each body in a file. */
const SCRIPT = `while [ -e held ]; do sleep 0.05; done
[ -e refused ] && exit "$(cat refused)"
umask 0; mkdir -p got; n=$(date +%s%N)-$$; cat > "got/.$n" && mv "got/.$n" "got/$n"`;

const byName = (a: string, b: string): number => a.localeCompare(b);

async function peer(): Promise<OutboundPeer> {
  const server = await sshServer();
  const { given, options } = sftpTo(server);
  const at = (name: string): string => join(server.home, name);
  await writeFile(at('script'), SCRIPT);
  return {
    given: { ...given, command: 'sh script', uncertain: 'retry' },
    options,
    async received() {
      const names = await readdir(at('got')).catch(() => []);
      return await Promise.all(
        names.toSorted(byName).map((name) => readFile(join(at('got'), name))),
      );
    },
    hold: () => writeFile(at('held'), ''),
    release: async () => {
      await rm(at('held'), { force: true });
    },
    refuse: (how) => writeFile(at('refused'), how === 'temporary' ? '75' : '65'),
    breakDown: () => server.stop(),
    repair: () => server.start(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

describe.skipIf(noSshServer !== undefined)('against OpenSSH', () => {
  describeOutbound(sshExecOut, {
    peer,
    refusals: { temporary: { code: '75' }, final: { code: '65' } },
  });
});
