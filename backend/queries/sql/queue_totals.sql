SELECT count(*) AS pending, count(*) FILTER (WHERE held) AS held FROM jobs WHERE state = 'PENDING'
