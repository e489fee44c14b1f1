import { expect, test } from 'vitest';
import { killedPickup } from '../../support/killed-pickup.ts';
import { describeWithSshd, sftpTo } from '../../support/ssh-server.ts';

describeWithSshd('sftp-in that is killed again and again', (server) => {
  test('loses no file, keeps their order, and repeats at most one message a kill', async () => {
    const { given, options } = sftpTo(server());
    const { came, delivered, archived } = await killedPickup(
      server().home,
      { adapter: 'sftp-in', settings: given, ...options },
      21,
    );
    expect(delivered).toEqual(came.contents);
    expect(archived).toEqual(came.files);
  });
});
