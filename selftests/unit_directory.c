// SPDX-License-Identifier: GPL-2.0-only
/* Containers' directories, and who has their locks. */
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int watched_mkdir(const char *path, mode_t mode);
static int slow_flock(int fd, int operation);

#include "../ctl/runner/directory.h"
#undef DIRECTORY_BASE
#define DIRECTORY_BASE "base"
#define geteuid() 0
#define mkdir watched_mkdir
#define flock slow_flock
#include "../ctl/base/error.c"
#include "../ctl/runner/directory.c"
#undef mkdir
#undef flock
#include "kselftest_harness.h"

#include <pthread.h>
#include <semaphore.h>

void cgroup_sweep(const char *path)
{
}

void network_leave(const char *path)
{
}

static int found;
static sem_t looks;
static __thread bool is_looker;
static pthread_t looker;

static int count(const char *name, void *data)
{
	found++;
	return 0;
}

static void *look(void *data)
{
	is_looker = true;
	directory_each(count, NULL);
	return NULL;
}

/* Whoever looks at a directory is slow to let go of its lock. */
static int slow_flock(int fd, int operation)
{
	int result = flock(fd, operation);

	if (is_looker) {
		sem_post(&looks);
		usleep(100000);
	}
	return result;
}

/* Somebody looks at a container's directory as soon as it is made. */
static int watched_mkdir(const char *path, mode_t mode)
{
	int result = mkdir(path, mode);

	if (!result && strchr(path, '/')) {
		pthread_create(&looker, NULL, look, NULL);
		sem_wait(&looks);
	}
	return result;
}

FIXTURE(base)
{
	char path[32];
};

FIXTURE_SETUP(base)
{
	strcpy(self->path, "/tmp/unit_directory.XXXXXX");
	ASSERT_TRUE(mkdtemp(self->path));
	ASSERT_EQ(0, chdir(self->path));
	sem_init(&looks, 0, 0);
}

FIXTURE_TEARDOWN(base)
{
	directory_remove("a");
	unlink(BASE_LOCK);
	rmdir(DIRECTORY_BASE);
	rmdir(self->path);
}

TEST_F(base, looked_at_while_made)
{
	int lock = directory_make("a");

	ASSERT_LE(0, lock);
	pthread_join(looker, NULL);
	EXPECT_EQ(0, found);
	EXPECT_EQ(0, directory_each(count, NULL));
	EXPECT_EQ(1, found);
	close(lock);
	EXPECT_EQ(0, directory_each(count, NULL));
	EXPECT_EQ(1, found);
}

TEST_F(base, name_taken)
{
	int lock = directory_make("a");

	ASSERT_LE(0, lock);
	pthread_join(looker, NULL);
	EXPECT_EQ(-1, directory_make("a"));
	EXPECT_TRUE(strstr(error_text(), "a: there is a container of that name"));
	close(lock);
	/* It is swept. */
	lock = directory_make("a");
	EXPECT_LE(0, lock);
	pthread_join(looker, NULL);
	close(lock);
}

TEST_HARNESS_MAIN
