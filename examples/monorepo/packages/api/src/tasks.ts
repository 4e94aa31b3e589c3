import type { Pool } from 'pg';

export interface Task {
  id: number;
  title: string;
  done: boolean;
}

/** The tasks as the API keeps them. */
export class Tasks {
  constructor(private readonly pool: Pool) {}

  async add(title: string): Promise<number> {
    const { rows } = await this.pool.query<Task>('INSERT INTO tasks (title) VALUES ($1) RETURNING id', [
      title,
    ]);
    return rows[0]?.id ?? 0;
  }

  async finish(id: number): Promise<void> {
    await this.pool.query('UPDATE tasks SET done = true WHERE id = $1', [id]);
  }

  async open(): Promise<Task[]> {
    const { rows } = await this.pool.query<Task>(
      'SELECT id, title, done FROM tasks WHERE NOT done ORDER BY id',
    );
    return rows;
  }
}
