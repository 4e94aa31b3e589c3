import type { Config } from '@jest/types';

/** The folders that this run's Jest projects live in: Jest calls a global setup once, whatever their number. */
export function rootDirsOf(globalConfig: Config.GlobalConfig, projectConfig: Config.ProjectConfig): string[] {
  const projects = globalConfig.projects as (string | { rootDir?: string })[];
  const folders = projects.flatMap((project) =>
    typeof project === 'string' ? [project] : (project.rootDir ?? []),
  );
  return folders.length > 1 ? folders : [projectConfig.rootDir];
}
