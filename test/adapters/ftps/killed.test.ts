import { expect, test } from 'vitest';
import { describeWithFtpd, ftpsPrograms, ftpsTo } from '../../support/ftps-server.ts';
import { killedPickup } from '../../support/killed-pickup.ts';

for (const program of ftpsPrograms) {
  describeWithFtpd('ftps-in that is killed again and again', { program }, (server) => {
    test('loses no file, keeps their order, and repeats at most one message a kill', async () => {
      const { given, options } = ftpsTo(server());
      const { credentials = {} } = options;
      const order = { adapter: 'ftps-in', settings: given, credentials };
      const { came, delivered, archived } = await killedPickup(server().home, order, 31);
      expect(delivered).toEqual(came.contents);
      expect(archived).toEqual(came.files);
    });
  });
}
