import { setting } from 'waybill/adapter';

export const typeSetting = setting.optional(
  setting.text({
    help: 'The type of the messages. If left out, it comes from their content-type, or else from the bytes.',
    example: 'application/json',
  }),
);
