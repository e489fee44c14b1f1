import { optional, text } from '../../adapter/setting.ts';
import { type DropValues, dropSettings } from '../folder/drop-settings.ts';
import { pickupSettings } from '../folder/pickup-settings.ts';

const { temporary: _, makeFolder: __, marker: ___, ...writing } = dropSettings('peer');

/** The settings of every adapter that takes objects, under the same names. */
export const objectPickupSettings = pickupSettings(text);

/** The settings of every adapter that writes objects, under the same names. */
export const objectDropSettings = {
  ...writing,
  contentType: optional(
    text({
      help: 'The content type of the object. If left out, that of the message.',
      example: 'application/hl7-v2',
      advanced: true,
    }),
  ),
};

export type ObjectDropValues = Omit<DropValues, 'temporary' | 'makeFolder' | 'marker'> & {
  readonly contentType: string | undefined;
};
