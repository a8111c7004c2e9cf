import { Args, Flags } from '@oclif/core'

/** What the `etl stack` commands have in common. */
export const stackDirFlag = {
  dir: Flags.string({
    char: 'd',
    description: 'folder that holds .etl/; default: that of the nearest stack, else the current one',
    helpValue: 'FOLDER',
  }),
}

/** With `strict = false`: several may follow. */
export const servicesArg = {
  services: Args.string({ description: 'kafka, registry, mysql, postgres; default: all of them' }),
}
